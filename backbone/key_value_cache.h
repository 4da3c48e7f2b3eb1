#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace telora {

// Rotated keys and values of rows being generated. Each row owns a fixed range of the pool, so rows
// of unequal length share it without padding.
struct KeyValueCache {
  std::vector<at::Tensor> keys;    // per layer [slots, K*d]
  std::vector<at::Tensor> values;  // per layer [slots, K*d]
  at::Tensor write_slots;          // [T] int64: where the next forward stores its tokens
};

}  // namespace telora
