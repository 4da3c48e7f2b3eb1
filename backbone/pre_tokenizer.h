#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backbone/regex.h"

namespace telora {

// What becomes of the matches of a split pattern (the names of tokenizer.json's Split).
enum class SplitBehavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

// One step of pre-tokenization.
struct SplitRule {
  std::string pattern;
  SplitBehavior behavior = SplitBehavior::kIsolated;
  bool literal = false;  // the pattern is a plain string
  bool invert = false;   // the text between the matches counts as the matches
};

// The patterns that the known tokenizers use.
extern const SplitRule kGpt2Split;
extern const SplitRule kLlama3Split;
extern const SplitRule kQwen2Split;
extern const SplitRule kDigitSplit;     // every numeric character alone
extern const SplitRule kDigitRunSplit;  // every run of numeric characters

// Spells spaces as ▁ and puts one before the text (the Metaspace step of tokenizer.json).
struct Metaspace {
  enum class Prepend { kNever, kFirst, kAlways };  // kFirst: only where the whole text begins
  Prepend prepend = Prepend::kAlways;
  bool split = true;  // cut before each ▁
};

// `piece` in that spelling, unchanged where it has its ▁ already; `first`: it begins the whole
// text.
std::string with_space_marks(const Metaspace& metaspace, std::string_view piece, bool first);

// `text` cut before each ▁; views into it.
std::vector<std::string_view> split_at_space_marks(std::string_view text);

// What the `pre_tokenizer` of tokenizer.json says: rules, then Metaspace where it is there.
struct PreTokenizerSteps {
  std::vector<SplitRule> rules;
  bool byte_level = false;  // a ByteLevel step ends them
  std::optional<Metaspace> metaspace;
};

// Cuts text into the pieces within which BPE merges; each rule cuts the pieces of the one before.
class PreTokenizer {
 public:
  // A stretch of a piece, inside or outside a match.
  struct Stretch {
    TextRange range;
    bool match;
  };

  // Throws Error(data) at `where` for a pattern that is not accepted. `shortcuts`: the commonest
  // matches of the known patterns are found without the regular expression.
  PreTokenizer(std::vector<SplitRule> rules, const Where& where, bool shortcuts = true);

  // Views into `text` (valid UTF-8), in order, none empty. Throws Error(data) for a pattern that
  // exceeds the step limit.
  std::vector<std::string_view> split(std::string_view text) const;

  const std::vector<SplitRule>& rules() const { return rules_; }

 private:
  enum class Shortcut { kNone, kWords, kDigits };
  static Shortcut shortcut_of(const SplitRule& rule);
  std::optional<TextRange> find(size_t rule, std::string_view piece, size_t pos) const;
  void find_stretches(size_t rule, std::string_view piece, std::vector<Stretch>& out) const;

  std::vector<SplitRule> rules_;
  std::vector<PieceRegex> patterns_;
  std::vector<Shortcut> shortcuts_;
};

}  // namespace telora
