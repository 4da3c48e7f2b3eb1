#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "backbone/block_attention.h"
#include "backbone/kernel_math.h"
#include "backbone/tile_product.h"

// Private to the sources of attention in blocks: what does not depend on how products are made.
namespace telora::kernels {

constexpr int64_t kKeyBlock = 64;
constexpr float kMasked = -1e30f;  // exp() of it is 0, and differences of it are finite

TELORA_INLINE int64_t padded(int64_t dim) { return (dim + kLaneFloats - 1) / kLaneFloats * kLaneFloats; }

// Rows of keys or values by their place behind the prefix: first the prefix' rows, then the own.
TELORA_INLINE int64_t key_row(const AttentionBlock& b, int64_t key) {
  return key < b.prefix_count ? b.prefix_begin + key : b.key_begin + key - b.prefix_count;
}

// The keys [first, last) that query i of the row may see.
struct Visible {
  int64_t first, last;
};
TELORA_INLINE Visible visible_to(const AttentionBlock& b, int64_t query) {
  const int64_t last = b.keys() - b.query_count + query + 1;
  return {b.window > 0 ? std::max<int64_t>(0, last - b.window) : 0, last};
}

// Scores that a query may not see become kMasked. Rows (query, head) from `query` on.
TELORA_INLINE void mask(const AttentionBlock& b, int64_t query, int64_t count, int64_t key,
                        float* scores) {
  for (int64_t i = 0; i < count; ++i) {
    const Visible seen = visible_to(b, query + i);
    const int64_t first = std::clamp<int64_t>(seen.first - key, 0, kKeyBlock);
    const int64_t last = std::clamp<int64_t>(seen.last - key, 0, kKeyBlock);
    if (first == 0 && last == kKeyBlock) {
      scores += b.group() * kKeyBlock;
      continue;
    }
    for (int64_t g = 0; g < b.group(); ++g, scores += kKeyBlock) {
      for (int64_t j = 0; j < first; ++j) scores[j] = kMasked;
      for (int64_t j = last; j < kKeyBlock; ++j) scores[j] = kMasked;
    }
  }
}

TELORA_INLINE float greatest(const float* x, float start) {
  float lanes[kLanes];
  for (int j = 0; j < kLanes; ++j) lanes[j] = x[j];
  for (int64_t i = kLanes; i < kKeyBlock; i += kLanes) {
    for (int j = 0; j < kLanes; ++j) lanes[j] = x[i + j] > lanes[j] ? x[i + j] : lanes[j];
  }
  for (float lane : lanes) start = lane > start ? lane : start;
  return start;
}

// Running softmax of one row: scores become weights relative to the greatest score so far.
struct SoftmaxRow {
  float peak, total;
};
TELORA_INLINE float take_scores(float* scores, SoftmaxRow& row) {
  const float peak = greatest(scores, row.peak);
  const float shrink = exp_approx(row.peak - peak);
  for (int64_t j = 0; j < kKeyBlock; ++j) {
    scores[j] = scores[j] <= kMasked ? 0.0f : exp_approx(scores[j] - peak);
  }
  row.total = row.total * shrink + sum_over(kKeyBlock, [&](int64_t j) { return scores[j]; });
  row.peak = peak;
  return shrink;
}

template <typename T>
TELORA_INLINE void store_rows(const AttentionBlock& b, int64_t first, int64_t count,
                              const float* sums, const SoftmaxRow* rows, T* out, float* log_sum,
                              int64_t log_sum_stride) {
  const int64_t step = padded(b.dim), group = b.group();
  for (int64_t i = 0; i < count; ++i) {
    const int64_t token = b.query_begin + first + i;
    T* row = out + token * b.heads * b.dim + b.kv_head * group * b.dim;
    for (int64_t g = 0; g < group; ++g, sums += step, ++rows) {
      const float inverse = 1.0f / rows->total;
      for (int64_t c = 0; c < b.dim; ++c) store(sums[c] * inverse, row[g * b.dim + c]);
      log_sum[(b.kv_head * group + g) * log_sum_stride + token] =
          rows->peak + std::log(rows->total);
    }
  }
}

TELORA_INLINE void store_keys(const AttentionBlock& b, const AttentionOutputs& out, int64_t first,
                              int64_t count, const float* dkeys, const float* dvalues) {
  const int64_t step = padded(b.dim), width = b.kv_heads * b.dim;
  for (int64_t j = 0; j < count; ++j) {
    const int64_t key = first + j;
    const bool shared = key < b.prefix_count;
    const int64_t at = shared ? key * b.dim : key_row(b, key) * width + b.kv_head * b.dim;
    float* const dk = (shared ? out.prefix_dk : out.dk) + at;
    float* const dv = (shared ? out.prefix_dv : out.dv) + at;
    for (int64_t c = 0; c < b.dim; ++c) dk[c] = dkeys[j * step + c];
    for (int64_t c = 0; c < b.dim; ++c) dv[c] = dvalues[j * step + c];
  }
}

TELORA_INLINE void store_queries(const AttentionBlock& b, const float* from, float* dq) {
  const int64_t step = padded(b.dim), group = b.group();
  for (int64_t i = 0; i < b.query_count; ++i) {
    float* row = dq + (b.query_begin + i) * b.heads * b.dim + b.kv_head * group * b.dim;
    for (int64_t g = 0; g < group; ++g, from += step, row += b.dim) {
      for (int64_t c = 0; c < b.dim; ++c) row[c] = b.scale * from[c];
    }
  }
}

}  // namespace telora::kernels
