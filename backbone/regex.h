#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

#include "core/error.h"

struct pcre2_real_code_8;

namespace telora {

struct TextRange {
  size_t begin;
  size_t end;
};

// A compiled Unicode pattern (PCRE2 with JIT). Accepts the part of the Oniguruma dialect of
// tokenizer.json files that means the same in both engines, and refuses the rest by name.
// Named apart from data/regex.h, which serves parsers of answers.
class PieceRegex {
 public:
  // Throws Error(data) at `where` for a construct that is not accepted or does not compile.
  PieceRegex(std::string_view pattern, const Where& where, bool literal = false);

  // One extended grapheme cluster (Unicode annex 29).
  static PieceRegex grapheme_cluster();

  // The first match in `text` (valid UTF-8) at or after byte `begin`. Thread-safe.
  // Throws Error(data) when the match needs more steps than the limit allows.
  std::optional<TextRange> find(std::string_view text, size_t begin) const;

 private:
  PieceRegex() = default;
  void compile(const std::string& pattern, bool literal);

  std::shared_ptr<const pcre2_real_code_8> code_;
  Where where_;
  bool jit_ = false;
};

}  // namespace telora
