#include "backbone/added_tokens.h"

#include <algorithm>

namespace telora {

namespace {

// Alphabetic (the last ranges are its members outside L, M and Nl), marks, decimal digits,
// connectors and the two joiners: Unicode's definition of a word character.
constexpr char kWordPattern[] = "[\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}Ⓐ-ⓩ🄰-🅉🅐-🅩🅰-🆉\u200c\u200d]";

// The character of valid UTF-8 that ends before `end`.
std::string_view character_before(std::string_view text, size_t end) {
  size_t begin = end - 1;
  while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
  return text.substr(begin, end - begin);
}

std::string_view character_at(std::string_view text, size_t begin) {
  size_t end = begin + 1;
  while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
  return text.substr(begin, end - begin);
}

bool matches(const PieceRegex& kind, std::string_view character) {
  return kind.find(character, 0).has_value();
}

bool touches(TextRange match, std::span<const TextRange> plain) {
  const auto after = std::ranges::upper_bound(plain, match.begin, {}, &TextRange::end);
  return after != plain.end() && after->begin < match.end;
}

}  // namespace

bool AddedToken::is_control() const {
  return special || (content.size() > 4 && content.starts_with("<|") && content.ends_with("|>"));
}

void AddedTokens::Trie::insert(std::string_view content, int32_t index) {
  if (token.empty()) token.push_back(-1);
  first[static_cast<unsigned char>(content[0])] = true;
  int32_t node = 0;
  for (const char byte : content) {
    const uint64_t key = (static_cast<uint64_t>(node) << 8) | static_cast<unsigned char>(byte);
    const auto [edge, added] = edges.try_emplace(key, static_cast<int32_t>(token.size()));
    if (added) token.push_back(-1);
    node = edge->second;
  }
  token[node] = index;
}

AddedTokens::AddedTokens(std::vector<AddedToken> tokens, const TextNormalizer& normalizer)
    : tokens_(std::move(tokens)), word_(kWordPattern, {}), space_("\\s", {}) {
  for (size_t i = 0; i < tokens_.size(); ++i) {
    by_id_.emplace(tokens_[i].id, i);
    const auto index = static_cast<int32_t>(i);
    if (!tokens_[i].normalized) {
      raw_.insert(tokens_[i].content, index);
    } else if (const std::string content = normalizer.run(tokens_[i].content); !content.empty()) {
      normalized_.insert(content, index);
    }
  }
}

const AddedToken* AddedTokens::find(int32_t id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &tokens_[found->second];
}

std::pair<const AddedToken*, size_t> AddedTokens::longest_at(
    const Trie& trie, std::string_view text, size_t begin, std::span<const TextRange> plain) const {
  std::pair<const AddedToken*, size_t> longest{nullptr, begin};
  int32_t node = 0;
  for (size_t pos = begin; pos < text.size(); ++pos) {
    const uint64_t key = (static_cast<uint64_t>(node) << 8) | static_cast<unsigned char>(text[pos]);
    const auto edge = trie.edges.find(key);
    if (edge == trie.edges.end()) break;
    node = edge->second;
    if (trie.token[node] < 0) continue;
    const AddedToken& token = tokens_[trie.token[node]];
    if (!token.is_control() || !touches({begin, pos + 1}, plain)) longest = {&token, pos + 1};
  }
  return longest;
}

bool AddedTokens::stands_alone(std::string_view text, size_t begin, TextRange match) const {
  if (match.begin > begin && matches(word_, character_before(text, match.begin))) return false;
  return match.end == text.size() || !matches(word_, character_at(text, match.end));
}

// Takes along the white space beside `match` that the token asks for, within `room`.
TextRange AddedTokens::with_spaces(const AddedToken& token, std::string_view text, TextRange match,
                                   TextRange room) const {
  while (token.lstrip && match.begin > room.begin) {
    const std::string_view before = character_before(text, match.begin);
    if (!matches(space_, before)) break;
    match.begin -= before.size();
  }
  while (token.rstrip && match.end < room.end) {
    const std::string_view after = character_at(text, match.end);
    if (!matches(space_, after)) break;
    match.end += after.size();
  }
  return match;
}

void AddedTokens::split_part(const Trie& trie, std::string_view text, TextRange part,
                             std::span<const TextRange> plain, std::vector<TextPart>& out) const {
  const std::string_view visible = text.substr(0, part.end);
  size_t done = part.begin;  // everything before is in `out`
  for (size_t pos = part.begin; pos < part.end;) {
    const bool possible = trie.first[static_cast<unsigned char>(text[pos])];
    const auto [token, end] = possible ? longest_at(trie, visible, pos, plain)
                                       : std::pair<const AddedToken*, size_t>{nullptr, pos};
    if (token == nullptr) {
      ++pos;
      continue;
    }
    TextRange match{pos, end};
    pos = match.end;
    if (token->single_word && !stands_alone(visible, part.begin, match)) continue;
    match = with_spaces(*token, text, match, {done, part.end});
    if (done < match.begin) out.push_back({{done, match.begin}});
    out.push_back({match, token->id});
    done = pos = match.end;
  }
  if (done < part.end) out.push_back({{done, part.end}});
}

std::vector<TextPart> AddedTokens::split_raw(std::string_view text,
                                             std::span<const TextRange> plain) const {
  std::vector<TextPart> parts;
  split_part(raw_, text, {0, text.size()}, plain, parts);
  return parts;
}

std::vector<TextPart> AddedTokens::split_normalized(std::string_view text,
                                                    std::span<const TextRange> plain) const {
  std::vector<TextPart> parts;
  split_part(normalized_, text, {0, text.size()}, plain, parts);
  return parts;
}

std::vector<TextPart> AddedTokens::split(std::string_view text,
                                         std::span<const TextRange> plain) const {
  std::vector<TextPart> first = split_raw(text, plain), second;
  if (normalized_.token.empty()) return first;
  for (const TextPart& part : first) {
    if (part.id >= 0) {
      second.push_back(part);
    } else {
      split_part(normalized_, text, part.range, plain, second);
    }
  }
  return second;
}

}  // namespace telora
