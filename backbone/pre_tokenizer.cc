#include "backbone/pre_tokenizer.h"

#include <fmt/format.h>

namespace telora {

const SplitRule kGpt2Split = {
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)"};
const SplitRule kLlama3Split = {
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};
const SplitRule kQwen2Split = {
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};
const SplitRule kDigitSplit = {R"(\p{N})"};
const SplitRule kDigitRunSplit = {R"(\p{N})", SplitBehavior::kContiguous};

namespace {

constexpr size_t kMaxRules = 16;
constexpr std::string_view kSpaceMark = "\xE2\x96\x81";  // U+2581

size_t next_character(std::string_view text, size_t pos) {
  do {
    ++pos;
  } while (pos < text.size() && (static_cast<unsigned char>(text[pos]) & 0xC0) == 0x80);
  return pos;
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }

// Where the ASCII letters end that begin at `pos`, behind a space or not; empty if there are none
// or if a character that may be a letter too follows. GPT-2's, Llama 3's and Qwen2's patterns all
// match just this.
std::optional<size_t> end_of_word(std::string_view text, size_t pos) {
  const size_t begin = pos + (text[pos] == ' ' ? 1 : 0);
  size_t end = begin;
  while (end < text.size() && is_letter(text[end])) ++end;
  if (end == begin || (end < text.size() && !is_ascii(text[end]))) return std::nullopt;
  return end;
}

using Pieces = std::vector<std::string_view>;
using Stretch = PreTokenizer::Stretch;
using Stretches = std::vector<Stretch>;

void add(std::string_view piece, const Stretch& first, const Stretch& last, Pieces& out) {
  const size_t size = last.range.end - first.range.begin;
  if (size > 0) out.push_back(piece.substr(first.range.begin, size));
}

// Joins two neighbours when the left is a match or not as `left_match` says, and the right the
// opposite: a match goes to the gap before it (false) or after it (true).
void emit_merged(std::string_view piece, const Stretches& all, bool left_match, Pieces& out) {
  for (size_t i = 0; i < all.size(); ++i) {
    const size_t first = i;
    const bool neighbour = i + 1 < all.size();
    if (neighbour && all[i].match == left_match && all[i + 1].match != left_match) ++i;
    add(piece, all[first], all[i], out);
  }
}

void emit_contiguous(std::string_view piece, const Stretches& all, Pieces& out) {
  for (size_t i = 0; i < all.size(); ++i) {
    const size_t first = i;
    while (i + 1 < all.size() && all[i + 1].match == all[first].match) ++i;
    add(piece, all[first], all[i], out);
  }
}

void emit_single(std::string_view piece, const Stretches& all, bool matches, Pieces& out) {
  for (const Stretch& stretch : all) {
    if (matches || !stretch.match) add(piece, stretch, stretch, out);
  }
}

void emit(SplitBehavior behavior, std::string_view piece, const Stretches& all, Pieces& out) {
  switch (behavior) {
    case SplitBehavior::kRemoved:
      return emit_single(piece, all, false, out);
    case SplitBehavior::kIsolated:
      return emit_single(piece, all, true, out);
    case SplitBehavior::kMergedWithPrevious:
      return emit_merged(piece, all, false, out);
    case SplitBehavior::kMergedWithNext:
      return emit_merged(piece, all, true, out);
    case SplitBehavior::kContiguous:
      return emit_contiguous(piece, all, out);
  }
}

}  // namespace

std::string with_space_marks(const Metaspace& metaspace, std::string_view piece, bool first) {
  using Prepend = Metaspace::Prepend;
  const bool wanted =
      metaspace.prepend == Prepend::kAlways || (metaspace.prepend == Prepend::kFirst && first);
  std::string out;
  if (wanted && !piece.empty() && piece[0] != ' ' && !piece.starts_with(kSpaceMark)) {
    out = kSpaceMark;
  }
  for (const char c : piece) c == ' ' ? out += kSpaceMark : out += c;
  return out;
}

std::vector<std::string_view> split_at_space_marks(std::string_view text) {
  std::vector<std::string_view> pieces;
  while (!text.empty()) {
    const size_t end = std::min(text.find(kSpaceMark, 1), text.size());
    pieces.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return pieces;
}

PreTokenizer::PreTokenizer(std::vector<SplitRule> rules, const Where& where, bool shortcuts)
    : rules_(std::move(rules)) {
  if (rules_.size() > kMaxRules) {
    fail(ErrorKind::kData, where, fmt::format("{} steps", rules_.size()),
         fmt::format("at most {}", kMaxRules));
  }
  for (const SplitRule& rule : rules_) {
    patterns_.emplace_back(rule.pattern, where, rule.literal);
    shortcuts_.push_back(shortcuts ? shortcut_of(rule) : Shortcut::kNone);
  }
}

PreTokenizer::Shortcut PreTokenizer::shortcut_of(const SplitRule& rule) {
  if (rule.literal) return Shortcut::kNone;
  for (const SplitRule* known : {&kGpt2Split, &kLlama3Split, &kQwen2Split}) {
    if (rule.pattern == known->pattern) return Shortcut::kWords;
  }
  return rule.pattern == kDigitSplit.pattern ? Shortcut::kDigits : Shortcut::kNone;
}

// The first match at or after `pos`.
std::optional<TextRange> PreTokenizer::find(size_t rule, std::string_view piece, size_t pos) const {
  if (shortcuts_[rule] == Shortcut::kWords) {
    if (const auto end = end_of_word(piece, pos)) return TextRange{pos, *end};
  } else if (shortcuts_[rule] == Shortcut::kDigits) {
    while (pos < piece.size() && is_ascii(piece[pos]) && !is_digit(piece[pos])) ++pos;
    if (pos == piece.size()) return std::nullopt;
    if (is_digit(piece[pos])) return TextRange{pos, pos + 1};
  }
  return patterns_[rule].find(piece, pos);
}

// `piece` as matches and the gaps between them. An empty match counts, except right after another.
void PreTokenizer::find_stretches(size_t rule, std::string_view piece,
                                  std::vector<Stretch>& out) const {
  out.clear();
  size_t done = 0;
  for (size_t pos = 0; pos < piece.size();) {
    const std::optional<TextRange> found = find(rule, piece, pos);
    if (!found) break;
    if (found->begin == found->end && !out.empty() && found->end == done) {
      pos = next_character(piece, pos);
      continue;
    }
    if (found->begin > done) out.push_back({{done, found->begin}, false});
    out.push_back({*found, true});
    done = pos = found->end;
  }
  if (done < piece.size()) out.push_back({{done, piece.size()}, false});
}

std::vector<std::string_view> PreTokenizer::split(std::string_view text) const {
  Pieces pieces, next;
  if (!text.empty()) pieces.push_back(text);
  std::vector<Stretch> stretches;
  for (size_t i = 0; i < rules_.size(); ++i) {
    next.clear();
    for (const std::string_view piece : pieces) {
      find_stretches(i, piece, stretches);
      if (rules_[i].invert) {
        for (Stretch& stretch : stretches) stretch.match = !stretch.match;
      }
      emit(rules_[i].behavior, piece, stretches, next);
    }
    pieces.swap(next);
  }
  return pieces;
}

}  // namespace telora
