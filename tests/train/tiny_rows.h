#pragma once

#include <vector>

#include "eval/encoded_example.h"

namespace telora {

// Rows of unequal lengths over the 40 tokens of the tiny models.
inline std::vector<EncodedExample> tiny_rows(size_t count) {
  std::vector<EncodedExample> rows(count);
  for (size_t i = 0; i < count; ++i) {
    for (size_t j = 0; j < 4 + i % 5; ++j)
      rows[i].prompt.push_back(static_cast<int32_t>((7 * i + 3 * j) % 40));
    rows[i].target = {static_cast<int32_t>(i % 40), 2, 5};
    rows[i].completions = {{1}, {2}};
    rows[i].index = i;
  }
  return rows;
}

}  // namespace telora
