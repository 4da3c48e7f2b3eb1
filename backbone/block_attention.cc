#include "backbone/block_attention.h"

#include <algorithm>
#include <cmath>

#include "backbone/block_attention_pairs.h"
#include "backbone/block_attention_parts.h"
#include "backbone/product_kernel.h"

namespace telora::kernels {

namespace {

// [count, dim] of keys or values from `first` on, by row.
template <typename T>
TELORA_INLINE void pack_rows(const T* x, const AttentionBlock& b, int64_t first, int64_t count,
                             float* out) {
  const int64_t width = b.kv_heads * b.dim, step = padded(b.dim);
  for (int64_t j = 0; j < count; ++j, out += step) {
    const T* row = x + key_row(b, first + j) * width + b.kv_head * b.dim;
    for (int64_t i = 0; i < b.dim; ++i) out[i] = load(row[i]);
    for (int64_t i = b.dim; i < step; ++i) out[i] = 0;
  }
}

// The same transposed: [dim, kKeyBlock], columns behind `count` zero.
template <typename T>
TELORA_INLINE void pack_columns(const T* x, const AttentionBlock& b, int64_t first, int64_t count,
                                float* out) {
  const int64_t width = b.kv_heads * b.dim;
  for (int64_t j = 0; j < kKeyBlock; ++j) {
    const T* row = x + key_row(b, first + std::min(j, count - 1)) * width + b.kv_head * b.dim;
    for (int64_t i = 0; i < b.dim; ++i) out[i * kKeyBlock + j] = j < count ? load(row[i]) : 0.0f;
  }
}

// Queries `first`... of all heads that share the key head: row (query, head), [count * group, dim].
template <typename T>
TELORA_INLINE void pack_queries(const T* x, const AttentionBlock& b, int64_t first, int64_t count,
                                float factor, float* out) {
  const int64_t step = padded(b.dim), width = b.heads * b.dim, group = b.group();
  for (int64_t i = 0; i < count; ++i) {
    const T* row = x + (b.query_begin + first + i) * width + b.kv_head * group * b.dim;
    for (int64_t g = 0; g < group; ++g, out += step) {
      for (int64_t c = 0; c < b.dim; ++c) out[c] = factor * load(row[g * b.dim + c]);
      for (int64_t c = b.dim; c < step; ++c) out[c] = 0;
    }
  }
}

template <typename T>
TELORA_INLINE void attend(const T* q, const T* k, const T* v, const AttentionBlock& b, T* out,
                          float* log_sum, int64_t log_sum_stride, float* scratch, bool wide) {
  const int64_t step = padded(b.dim), most = kQueryBlock * b.group();
  float* const queries = scratch;
  float* const sums = queries + most * step;
  float* const scores = sums + most * step;
  float* const columns = scores + most * kKeyBlock;
  float* const values = columns + b.dim * kKeyBlock;
  auto* const rows = reinterpret_cast<SoftmaxRow*>(values + kKeyBlock * step);
  for (int64_t first = 0; first < b.query_count; first += kQueryBlock) {
    const int64_t count = std::min(kQueryBlock, b.query_count - first), n = count * b.group();
    pack_queries(q, b, first, count, b.scale, queries);
    std::fill(sums, sums + n * step, 0.0f);
    std::fill(rows, rows + n, SoftmaxRow{kMasked, 0});
    const int64_t begin = visible_to(b, first).first, end = visible_to(b, first + count - 1).last;
    for (int64_t key = begin; key < end; key += kKeyBlock) {
      const int64_t keys = std::min(kKeyBlock, end - key);
      pack_columns(k, b, key, keys, columns);
      pack_rows(v, b, key, keys, values);
      product({queries, step, 1}, n, columns, kKeyBlock, b.dim, kKeyBlock, scores, kKeyBlock, false,
              wide);
      mask(b, first, count, key, scores);
      for (int64_t i = 0; i < n; ++i) {
        const float shrink = take_scores(scores + i * kKeyBlock, rows[i]);
        if (shrink == 1.0f) continue;
        for (int64_t c = 0; c < step; ++c) sums[i * step + c] *= shrink;
      }
      product({scores, kKeyBlock, 1}, n, values, step, keys, step, sums, step, true, wide);
    }
    store_rows(b, first, count, sums, rows, out, log_sum, log_sum_stride);
  }
}

// The parts of the working memory of the backward pass. Rows are those of all queries of the block.
struct BackwardScratch {
  BackwardScratch(float* at, const AttentionBlock& b) {
    const int64_t step = padded(b.dim), rows = b.query_count * b.group();
    const auto take = [&at](int64_t count) {
      float* const begin = at;
      at += count;
      return begin;
    };
    queries = take(rows * step), douts = take(rows * step), dqueries = take(rows * step);
    dots = take(rows), log_sums = take(rows);
    weights = take(kQueryBlock * b.group() * kKeyBlock);
    dscores = take(kQueryBlock * b.group() * kKeyBlock);
    key_columns = take(b.dim * kKeyBlock), value_columns = take(b.dim * kKeyBlock);
    keys = take(kKeyBlock * step), dkeys = take(kKeyBlock * step), dvalues = take(kKeyBlock * step);
  }
  float *queries, *douts, *dqueries;  // [query * group, padded dim]; queries times scale
  float *dots, *log_sums;             // dout . out, and log-sum-exp, of each row
  float *weights, *dscores;           // [rows of a query block, key block]
  float *key_columns, *value_columns, *keys, *dkeys, *dvalues;
};

template <typename T>
TELORA_INLINE void prepare(const AttentionInputs& in, const AttentionBlock& b, BackwardScratch& s) {
  const int64_t step = padded(b.dim), group = b.group();
  pack_queries(static_cast<const T*>(in.q), b, 0, b.query_count, b.scale, s.queries);
  pack_queries(static_cast<const T*>(in.out), b, 0, b.query_count, 1, s.dqueries);
  pack_queries(static_cast<const T*>(in.dout), b, 0, b.query_count, 1, s.douts);
  for (int64_t i = 0; i < b.query_count; ++i) {
    for (int64_t g = 0; g < group; ++g) {
      const int64_t row = i * group + g;
      const float *dout = s.douts + row * step, *out = s.dqueries + row * step;
      s.dots[row] = sum_over(step, [&](int64_t c) { return dout[c] * out[c]; });
      s.log_sums[row] = in.log_sum[(b.kv_head * group + g) * in.log_sum_stride + b.query_begin + i];
    }
  }
  std::fill(s.dqueries, s.dqueries + b.query_count * group * step, 0.0f);
}

// One block of queries against one block of keys.
TELORA_INLINE void add_gradients(const AttentionBlock& b, BackwardScratch& s, int64_t first,
                                 int64_t count, int64_t key, int64_t keys, bool wide) {
  const int64_t step = padded(b.dim), n = count * b.group(), at = first * b.group();
  const LeftMatrix queries{s.queries + at * step, step, 1}, douts{s.douts + at * step, step, 1};
  product(queries, n, s.key_columns, kKeyBlock, b.dim, kKeyBlock, s.weights, kKeyBlock, false,
          wide);
  product(douts, n, s.value_columns, kKeyBlock, b.dim, kKeyBlock, s.dscores, kKeyBlock, false,
          wide);
  mask(b, first, count, key, s.weights);
  for (int64_t i = 0; i < n; ++i) {
    float *weights = s.weights + i * kKeyBlock, *dscores = s.dscores + i * kKeyBlock;
    const float log_sum = s.log_sums[at + i], dot = s.dots[at + i];
    for (int64_t j = 0; j < kKeyBlock; ++j) {
      const float weight = weights[j] <= kMasked ? 0.0f : exp_approx(weights[j] - log_sum);
      weights[j] = weight;
      dscores[j] = weight * (dscores[j] - dot);
    }
  }
  product({s.weights, 1, kKeyBlock}, keys, s.douts + at * step, step, n, step, s.dvalues, step,
          true, wide);
  product({s.dscores, 1, kKeyBlock}, keys, s.queries + at * step, step, n, step, s.dkeys, step,
          true, wide);
  product({s.dscores, kKeyBlock, 1}, n, s.keys, step, keys, step, s.dqueries + at * step, step,
          true, wide);
}

template <typename T>
TELORA_INLINE void attend_backward(const AttentionInputs& in, const AttentionBlock& b,
                                   const AttentionOutputs& out, float* scratch, bool wide) {
  const int64_t step = padded(b.dim);
  BackwardScratch s(scratch, b);
  prepare<T>(in, b, s);
  for (int64_t key = 0; key < b.keys(); key += kKeyBlock) {
    const int64_t keys = std::min(kKeyBlock, b.keys() - key);
    pack_columns(static_cast<const T*>(in.k), b, key, keys, s.key_columns);
    pack_columns(static_cast<const T*>(in.v), b, key, keys, s.value_columns);
    pack_rows(static_cast<const T*>(in.k), b, key, keys, s.keys);
    std::fill(s.dkeys, s.dkeys + kKeyBlock * step, 0.0f);
    std::fill(s.dvalues, s.dvalues + kKeyBlock * step, 0.0f);
    for (int64_t first = 0; first < b.query_count; first += kQueryBlock) {
      const int64_t count = std::min(kQueryBlock, b.query_count - first);
      const bool seen =
          visible_to(b, first + count - 1).last > key && visible_to(b, first).first < key + keys;
      if (seen) add_gradients(b, s, first, count, key, keys, wide);
    }
    store_keys(b, out, key, keys, s.dkeys, s.dvalues);
  }
  store_queries(b, s.dqueries, out.dq);
}

}  // namespace

int64_t forward_scratch_floats(const AttentionBlock& b) {
  const int64_t step = padded(b.dim), rows = kQueryBlock * b.group();
  return std::max(rows * (2 * step + kKeyBlock + 2) + kKeyBlock * (b.dim + step),
                  pairs_forward_scratch_floats(b));
}

int64_t backward_scratch_floats(const AttentionBlock& b) {
  const int64_t step = padded(b.dim), group = b.group();
  return std::max(b.query_count * group * (3 * step + 2) + 2 * kQueryBlock * group * kKeyBlock +
                      kKeyBlock * (2 * b.dim + 3 * step),
                  pairs_backward_scratch_floats(b));
}

TELORA_CLONES void attend_block(const float* q, const float* k, const float* v,
                                const AttentionBlock& block, float* out, float* log_sum,
                                int64_t log_sum_stride, float* scratch) {
  attend(q, k, v, block, out, log_sum, log_sum_stride, scratch, has_wide_registers());
}

namespace {

TELORA_CLONES void backward_f32(const AttentionInputs& in, const AttentionBlock& block,
                                const AttentionOutputs& out, float* scratch) {
  attend_backward<float>(in, block, out, scratch, has_wide_registers());
}
TELORA_CLONES void backward_bf16(const AttentionInputs& in, const AttentionBlock& block,
                                 const AttentionOutputs& out, float* scratch) {
  attend_backward<Bf16>(in, block, out, scratch, has_wide_registers());
}
TELORA_CLONES void forward_bf16(const Bf16* q, const Bf16* k, const Bf16* v,
                                const AttentionBlock& block, Bf16* out, float* log_sum,
                                int64_t log_sum_stride, float* scratch) {
  attend(q, k, v, block, out, log_sum, log_sum_stride, scratch, has_wide_registers());
}

}  // namespace

void attend_block(const Bf16* q, const Bf16* k, const Bf16* v, const AttentionBlock& block,
                  Bf16* out, float* log_sum, int64_t log_sum_stride, float* scratch) {
  const auto kernel = multiplies_pairs() ? attend_block_pairs : forward_bf16;
  kernel(q, k, v, block, out, log_sum, log_sum_stride, scratch);
}

void attend_block_backward(const AttentionInputs& in, bool bf16, const AttentionBlock& block,
                           const AttentionOutputs& out, float* scratch) {
  if (!bf16) return backward_f32(in, block, out, scratch);
  const auto kernel = multiplies_pairs() ? attend_block_pairs_backward : backward_bf16;
  kernel(in, block, out, scratch);
}

}  // namespace telora::kernels
