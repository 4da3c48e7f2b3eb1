#include "eval/encoded_example.h"

#include <algorithm>

namespace telora {

size_t shared_prompt_tokens(std::span<const EncodedExample* const> rows) {
  if (rows.size() < 2) return 0;
  const std::vector<int32_t>& first = rows[0]->prompt;
  size_t shared = first.size() - 1;
  for (const EncodedExample* row : rows) {
    shared = std::min(shared, row->prompt.size() - 1);
    const auto end = row->prompt.begin() + static_cast<long>(shared);
    const auto differs = std::mismatch(row->prompt.begin(), end, first.begin()).first;
    shared = static_cast<size_t>(differs - row->prompt.begin());
  }
  return shared;
}

}  // namespace telora
