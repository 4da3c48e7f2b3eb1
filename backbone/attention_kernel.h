#pragma once

#include <cstdint>

#include "backbone/kernels.h"

namespace telora::kernels {

// One query over two runs of keys: prefix first, then own. Strides in elements between keys.
struct KeyRuns {
  int64_t prefix_begin, prefix_count, own_begin, own_count;
  int64_t stride;
};

// out[dim] = softmax(scale * q.k) v over the runs. scores: scratch of prefix_count + own_count
// floats.
void attend_one(const float* q, const float* k, const float* v, const KeyRuns& runs, int64_t dim,
                float scale, float* scores, float* out);
void attend_one(const Bf16* q, const Bf16* k, const Bf16* v, const KeyRuns& runs, int64_t dim,
                float scale, float* scores, Bf16* out);

}  // namespace telora::kernels
