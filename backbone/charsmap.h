#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.h"

namespace telora {

// The precompiled normalisation rules of SentencePiece: the size of a double-array trie (4 bytes),
// the trie (darts-clone: 32-bit units in blocks of 256), and the replacement texts, each ended by
// a NUL byte; the trie maps a text to the offset of its replacement.
class Charsmap {
 public:
  // Throws Error(data) at `where` unless every step that a lookup can take stays inside the trie
  // and every replacement is valid UTF-8.
  Charsmap(std::string blob, const Where& where);

  // The replacement for the shortest key that `text` starts with, as the tokenizers library looks
  // it up.
  std::optional<std::string_view> find_shortest(std::string_view text) const;

 private:
  uint32_t unit(size_t index) const;
  void check_unit(size_t index, const Where& where) const;
  void check_value(size_t index, const Where& where) const;
  std::string_view replacements() const { return std::string_view(blob_).substr(begin_); }

  std::string blob_;
  size_t units_;
  size_t begin_;  // of the replacements
};

}  // namespace telora
