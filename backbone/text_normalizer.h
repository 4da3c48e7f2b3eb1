#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backbone/charsmap.h"
#include "backbone/regex.h"

namespace telora {

// One step of `normalizer` in tokenizer.json; the members that the kind needs are set.
struct NormalizerStep {
  enum class Kind { kNfc, kPrepend, kReplace, kStrip, kPrecompiled };

  Kind kind;
  std::string text;                               // what is prepended, or put in place of matches
  std::optional<PieceRegex> pattern;              // kReplace
  bool left = false, right = false;               // kStrip
  std::shared_ptr<const Charsmap> charsmap = {};  // kPrecompiled
};

// Changes text before it is cut into pieces, exactly as the tokenizers library does.
class TextNormalizer {
 public:
  TextNormalizer() = default;
  explicit TextNormalizer(std::vector<NormalizerStep> steps) : steps_(std::move(steps)) {}

  bool empty() const { return steps_.empty(); }
  // `text` must be valid UTF-8. Thread-safe.
  std::string run(std::string_view text) const;

 private:
  std::vector<NormalizerStep> steps_;
};

// Normalisation form C. Combining characters that came after Unicode 9, which the tokenizers
// library does not know, are left alone.
std::string to_nfc(std::string_view text);

}  // namespace telora
