#include "backbone/attention_kernel.h"

#include <algorithm>

#include "backbone/kernel_math.h"

namespace telora::kernels {

namespace {

template <typename T>
TELORA_INLINE void score_run(const T* q, const T* k, int64_t count, int64_t stride, int64_t dim,
                             float scale, float* scores) {
  for (int64_t j = 0; j < count; ++j, k += stride) {
    scores[j] = scale * sum_over(dim, [&](int64_t i) { return load(q[i]) * load(k[i]); });
  }
}

template <typename T>
TELORA_INLINE void add_run(const float* weights, const T* v, int64_t count, int64_t stride,
                           int64_t dim, float* sum) {
  for (int64_t j = 0; j < count; ++j, v += stride) {
    for (int64_t i = 0; i < dim; ++i) sum[i] += weights[j] * load(v[i]);
  }
}

TELORA_INLINE float softmax_in_place(float* scores, int64_t count) {
  float peak = scores[0], total = 0;
  for (int64_t j = 1; j < count; ++j) peak = scores[j] > peak ? scores[j] : peak;
  for (int64_t j = 0; j < count; ++j) scores[j] = exp_approx(scores[j] - peak);
  for (int64_t j = 0; j < count; ++j) total += scores[j];
  return 1.0f / total;
}

constexpr int64_t kMaxHeadDim = 512;

template <typename T>
TELORA_INLINE void attend(const T* q, const T* k, const T* v, const KeyRuns& r, int64_t dim,
                          float scale, float* scores, T* out) {
  const T* const keys[2] = {k + r.prefix_begin * r.stride, k + r.own_begin * r.stride};
  const T* const values[2] = {v + r.prefix_begin * r.stride, v + r.own_begin * r.stride};
  score_run(q, keys[0], r.prefix_count, r.stride, dim, scale, scores);
  score_run(q, keys[1], r.own_count, r.stride, dim, scale, scores + r.prefix_count);
  const float inverse = softmax_in_place(scores, r.prefix_count + r.own_count);
  float sum[kMaxHeadDim] = {};
  add_run(scores, values[0], r.prefix_count, r.stride, dim, sum);
  add_run(scores + r.prefix_count, values[1], r.own_count, r.stride, dim, sum);
  for (int64_t i = 0; i < dim; ++i) store(sum[i] * inverse, out[i]);
}

}  // namespace

TELORA_CLONES void attend_one(const float* q, const float* k, const float* v, const KeyRuns& runs,
                              int64_t dim, float scale, float* scores, float* out) {
  attend(q, k, v, runs, dim, scale, scores, out);
}
TELORA_CLONES void attend_one(const Bf16* q, const Bf16* k, const Bf16* v, const KeyRuns& runs,
                              int64_t dim, float scale, float* scores, Bf16* out) {
  attend(q, k, v, runs, dim, scale, scores, out);
}

}  // namespace telora::kernels
