#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace telora {

// Turns one piece of text into token ids: the last stage of a tokenizer.
class PieceModel {
 public:
  virtual ~PieceModel() = default;
  // Appends the ids of `piece` (valid UTF-8, not empty). `first`: the piece begins the whole text.
  // Thread-safe.
  virtual void encode(std::string_view piece, bool first, std::vector<int32_t>& ids) const = 0;
};

}  // namespace telora
