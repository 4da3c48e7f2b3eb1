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

// A stretch of a piece, inside or outside a match.
struct Stretch {
  TextRange range;
  bool match;
};

size_t next_character(std::string_view text, size_t pos) {
  do {
    ++pos;
  } while (pos < text.size() && (static_cast<unsigned char>(text[pos]) & 0xC0) == 0x80);
  return pos;
}

// `piece` as matches and the gaps between them. An empty match counts, except right after another.
void find_stretches(const PieceRegex& pattern, std::string_view piece, std::vector<Stretch>& out) {
  out.clear();
  size_t done = 0;
  for (size_t pos = 0; pos < piece.size();) {
    const std::optional<TextRange> found = pattern.find(piece, pos);
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

using Pieces = std::vector<std::string_view>;
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

PreTokenizer::PreTokenizer(std::vector<SplitRule> rules, const Where& where)
    : rules_(std::move(rules)) {
  if (rules_.size() > kMaxRules) {
    fail(ErrorKind::kData, where, fmt::format("{} steps", rules_.size()),
         fmt::format("at most {}", kMaxRules));
  }
  for (const SplitRule& rule : rules_) patterns_.emplace_back(rule.pattern, where, rule.literal);
}

std::vector<std::string_view> PreTokenizer::split(std::string_view text) const {
  Pieces pieces, next;
  if (!text.empty()) pieces.push_back(text);
  Stretches stretches;
  for (size_t i = 0; i < rules_.size(); ++i) {
    next.clear();
    for (const std::string_view piece : pieces) {
      find_stretches(patterns_[i], piece, stretches);
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
