#include "backbone/block_attention.h"

#include <algorithm>
#include <cmath>

#include "backbone/kernel_math.h"
#include "backbone/tile_product.h"

namespace telora::kernels {

namespace {

constexpr int64_t kKeyBlock = 64;
constexpr float kMasked = -1e30f;  // exp() of it is 0, and differences of it are finite

int64_t padded(int64_t dim) { return (dim + kLaneFloats - 1) / kLaneFloats * kLaneFloats; }

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
struct RowSums {
  float peak, total;
};
TELORA_INLINE float take_scores(float* scores, RowSums& row) {
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
                              const float* sums, const RowSums* rows, T* out, float* log_sum,
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

template <typename T>
TELORA_INLINE void attend(const T* q, const T* k, const T* v, const AttentionBlock& b, T* out,
                          float* log_sum, int64_t log_sum_stride, float* scratch, bool wide) {
  const int64_t step = padded(b.dim), most = kQueryBlock * b.group();
  float* const queries = scratch;
  float* const sums = queries + most * step;
  float* const scores = sums + most * step;
  float* const columns = scores + most * kKeyBlock;
  float* const values = columns + b.dim * kKeyBlock;
  auto* const rows = reinterpret_cast<RowSums*>(values + kKeyBlock * step);
  for (int64_t first = 0; first < b.query_count; first += kQueryBlock) {
    const int64_t count = std::min(kQueryBlock, b.query_count - first), n = count * b.group();
    pack_queries(q, b, first, count, b.scale, queries);
    std::fill(sums, sums + n * step, 0.0f);
    std::fill(rows, rows + n, RowSums{kMasked, 0});
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

TELORA_INLINE void store_keys(const AttentionBlock& b, const AttentionOutputs& out, int64_t first,
                              int64_t count, const BackwardScratch& s) {
  const int64_t step = padded(b.dim), width = b.kv_heads * b.dim;
  for (int64_t j = 0; j < count; ++j) {
    const int64_t key = first + j;
    const bool shared = key < b.prefix_count;
    const int64_t at = shared ? key * b.dim : key_row(b, key) * width + b.kv_head * b.dim;
    float* const dk = (shared ? out.prefix_dk : out.dk) + at;
    float* const dv = (shared ? out.prefix_dv : out.dv) + at;
    for (int64_t c = 0; c < b.dim; ++c) dk[c] = s.dkeys[j * step + c];
    for (int64_t c = 0; c < b.dim; ++c) dv[c] = s.dvalues[j * step + c];
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
    store_keys(b, out, key, keys, s);
  }
  store_queries(b, s.dqueries, out.dq);
}

}  // namespace

int64_t forward_scratch_floats(const AttentionBlock& b) {
  const int64_t step = padded(b.dim), rows = kQueryBlock * b.group();
  return rows * (2 * step + kKeyBlock + 2) + kKeyBlock * (b.dim + step);
}

int64_t backward_scratch_floats(const AttentionBlock& b) {
  const int64_t step = padded(b.dim), group = b.group();
  return b.query_count * group * (3 * step + 2) + 2 * kQueryBlock * group * kKeyBlock +
         kKeyBlock * (2 * b.dim + 3 * step);
}

TELORA_CLONES void attend_block(const float* q, const float* k, const float* v,
                                const AttentionBlock& block, float* out, float* log_sum,
                                int64_t log_sum_stride, float* scratch) {
  attend(q, k, v, block, out, log_sum, log_sum_stride, scratch, has_wide_registers());
}
TELORA_CLONES void attend_block(const Bf16* q, const Bf16* k, const Bf16* v,
                                const AttentionBlock& block, Bf16* out, float* log_sum,
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

}  // namespace

void attend_block_backward(const AttentionInputs& in, bool bf16, const AttentionBlock& block,
                           const AttentionOutputs& out, float* scratch) {
  bf16 ? backward_bf16(in, block, out, scratch) : backward_f32(in, block, out, scratch);
}

}  // namespace telora::kernels
