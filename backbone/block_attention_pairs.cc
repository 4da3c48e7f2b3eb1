#include "backbone/block_attention_pairs.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstring>

#include "backbone/kernel_math.h"
#include "backbone/product_kernel.h"
#include "backbone/product_type.h"
#include "backbone/tile_product.h"
#include "core/error.h"

#if defined(__x86_64__)
// All of this source's own code for one kind of processor; it is called only there.
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4,avx512bf16,prefer-vector-width=512")
#include "backbone/block_attention_parts.h"
#include "backbone/pair_tile.h"

namespace telora::kernels {

namespace {

// C [rows, columns] (+)= A B; columns a multiple of 16. Not inlined: it stands in many places.
__attribute__((noinline)) void pair_product(const LeftPairs& a, int64_t rows, const Pair* b,
                                            int64_t b_step, int64_t depth, int64_t columns,
                                            float* c, int64_t c_step, bool add) {
  int64_t j = 0;
  for (; j + 4 * kLaneFloats <= columns; j += 4 * kLaneFloats)
    pair_columns<4>(a, rows, b + j, b_step, depth, c + j, c_step, add);
  for (; j < columns; j += kLaneFloats)
    pair_columns<1>(a, rows, b + j, b_step, depth, c + j, c_step, add);
}

// Sixteen dwords of a row of `count` bfloat16 from column `at` on, zero behind them.
TELORA_INLINE __m512i load_32(const Bf16* row, int64_t at, int64_t count) {
  const int64_t left = count - at;
  if (left >= 32) return _mm512_loadu_si512(row + at);
  const __mmask32 valid = left <= 0 ? 0 : (__mmask32{1} << left) - 1;
  return _mm512_maskz_loadu_epi16(valid, row + at);
}

// Two rows of 32 columns as 32 pairs (first, second), in order.
TELORA_INLINE void store_pairs(__m512i first, __m512i second, Pair* out) {
  alignas(64) static constexpr auto kOrder = [] {
    std::array<uint16_t, 64> order{};
    for (uint16_t i = 0; i < 32; ++i)
      order[2 * i] = i, order[2 * i + 1] = static_cast<uint16_t>(32 + i);
    return order;
  }();
  const __m512i low = _mm512_load_si512(kOrder.data());
  const __m512i high = _mm512_load_si512(kOrder.data() + 32);
  _mm512_storeu_si512(out, _mm512_permutex2var_epi16(first, low, second));
  _mm512_storeu_si512(out + kLaneFloats, _mm512_permutex2var_epi16(first, high, second));
}

// Rows come from `row(i)`, zero behind `count`. By pairs of rows: [(count + 1) / 2, step], step a
// multiple of 16 and at least dim.
template <typename Row>
TELORA_INLINE void pair_rows(Row row, int64_t count, int64_t dim, int64_t step, Pair* out) {
  alignas(64) Pair both[2 * kLaneFloats];
  for (int64_t i = 0; i < count; i += 2, out += step) {
    for (int64_t c = 0; c < step; c += 2 * kLaneFloats) {
      const __m512i second = i + 1 < count ? load_32(row(i + 1), c, dim) : _mm512_setzero_si512();
      const bool whole = c + 2 * kLaneFloats <= step;
      store_pairs(load_32(row(i), c, dim), second, whole ? out + c : both);
      if (!whole) std::memcpy(out + c, both, kLaneFloats * sizeof(Pair));
    }
  }
}

// By pairs along a row, [count, step / 2].
template <typename Row>
TELORA_INLINE void copy_rows(Row row, int64_t count, int64_t dim, int64_t step, Pair* out) {
  for (int64_t i = 0; i < count; ++i, out += step / 2) {
    std::memcpy(out, row(i), static_cast<size_t>(dim) * sizeof(Bf16));
    std::memset(reinterpret_cast<Bf16*>(out) + dim, 0,
                static_cast<size_t>(step - dim) * sizeof(Bf16));
  }
}

// Sixteen rows of sixteen dwords, turned over.
TELORA_INLINE void transpose_16(__m512i (&r)[16]) {
  __m512i t[16];
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  for (int i = 0; i < 4; ++i) {
    t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
    t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
    t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
    t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
  }
  for (int i = 0; i < 4; ++i) {
    r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
    r[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
    r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
    r[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd);
  }
}

// Transposed by pairs along a row, [step / 2, kKeyBlock], columns behind `count` zero.
template <typename Row>
TELORA_INLINE void pair_columns_of(Row row, int64_t count, int64_t dim, int64_t step, Pair* out) {
  for (int64_t j = 0; j < kKeyBlock; j += 16) {
    for (int64_t c = 0; c < step / 2; c += 16) {
      __m512i r[16];
      for (int64_t i = 0; i < 16; ++i)
        r[i] = j + i < count ? load_32(row(j + i), 2 * c, dim) : _mm512_setzero_si512();
      transpose_16(r);
      const int64_t rows = std::min<int64_t>(16, step / 2 - c);
      for (int64_t i = 0; i < rows; ++i) _mm512_storeu_si512(out + (c + i) * kKeyBlock + j, r[i]);
    }
  }
}

// Rows of a block's tensors.
struct BlockTensors {
  const AttentionBlock& b;
  // Of keys or values, by their place behind the prefix.
  auto keys(const Bf16* x, int64_t first) const {
    return [this, x, first](int64_t i) {
      return x + key_row(b, first + i) * b.kv_heads * b.dim + b.kv_head * b.dim;
    };
  }
  // Of queries: row (query, head).
  auto queries(const Bf16* x, int64_t first) const {
    return [this, x, first](int64_t i) {
      const int64_t token = b.query_begin + first + i / b.group();
      return x + token * b.heads * b.dim + (b.kv_head * b.group() + i % b.group()) * b.dim;
    };
  }
};

TELORA_INLINE int64_t even(int64_t n) { return n + n % 2; }

// Hands out working memory.
struct Pool {
  float* at;
  template <typename T>
  T* take(int64_t count) {
    T* const begin = reinterpret_cast<T*>(at);
    at += count;
    return begin;
  }
};

// [rows, kKeyBlock] rounded, pairs along a row.
TELORA_INLINE void round_rows(const float* from, int64_t rows, Pair* out) {
  for (int64_t i = 0; i < rows * kKeyBlock; i += 32) {
    const __m512bh pair =
        _mm512_cvtne2ps_pbh(_mm512_loadu_ps(from + i + kLaneFloats), _mm512_loadu_ps(from + i));
    _mm512_storeu_si512(out + i / 2, reinterpret_cast<__m512i>(pair));
  }
}

// The same by pairs of rows: [(rows + 1) / 2, kKeyBlock]; the row behind the last is zero.
TELORA_INLINE void round_row_pairs(const float* from, int64_t rows, Pair* out) {
  alignas(64) static constexpr auto kOrder = [] {
    std::array<uint16_t, 32> order{};
    for (uint16_t i = 0; i < 16; ++i)
      order[2 * i] = i, order[2 * i + 1] = static_cast<uint16_t>(16 + i);
    return order;
  }();
  const __m512i order = _mm512_load_si512(kOrder.data());
  for (int64_t i = 0; i < rows; i += 2, from += 2 * kKeyBlock) {
    for (int64_t j = 0; j < kKeyBlock; j += kLaneFloats, out += kLaneFloats) {
      const __m512 second =
          i + 1 < rows ? _mm512_loadu_ps(from + kKeyBlock + j) : _mm512_setzero_ps();
      const auto both =
          reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(second, _mm512_loadu_ps(from + j)));
      _mm512_storeu_si512(out, _mm512_permutexvar_epi16(order, both));
    }
  }
}

struct ForwardScratch {
  ForwardScratch(float* at, const AttentionBlock& b) {
    const int64_t step = padded(b.dim), most = kQueryBlock * b.group();
    Pool pool{at};
    queries = pool.take<Pair>(most * step / 2), weights = pool.take<Pair>(most * kKeyBlock / 2);
    columns = pool.take<Pair>(step / 2 * kKeyBlock), values = pool.take<Pair>(kKeyBlock / 2 * step);
    sums = pool.take<float>(most * step), scores = pool.take<float>(most * kKeyBlock);
    rows = pool.take<SoftmaxRow>(2 * most);
    end = pool.at;
  }
  Pair *queries, *weights;  // [rows, step / 2] and [rows, kKeyBlock / 2]
  Pair *columns, *values;   // of one block of keys
  float *sums, *scores;
  SoftmaxRow* rows;
  float* end;
};

// e^x of sixteen values below 88: as exp_approx(), but what is far below zero becomes zero.
TELORA_INLINE __m512 exp_lanes(__m512 x) {
  x = _mm512_max_ps(x, _mm512_set1_ps(-200.0f));
  const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)),
                                        _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375f), x);
  r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4f), r);
  __m512 p = _mm512_set1_ps(1.9875691500e-4f);
  for (const float c :
       {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f}) {
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(c));
  }
  p = _mm512_fmadd_ps(_mm512_mul_ps(p, r), r, _mm512_add_ps(r, _mm512_set1_ps(1.0f)));
  return _mm512_scalef_ps(p, n);
}

constexpr int kLanesOfKeys = kKeyBlock / kLaneFloats;

// Scores of one row times scale become weights relative to the greatest so far; returns what
// earlier sums are to be multiplied by.
TELORA_INLINE float take_row(float* scores, float scale, SoftmaxRow& row) {
  __m512 x[kLanesOfKeys], greatest = _mm512_set1_ps(row.peak), sum = _mm512_setzero_ps();
  for (int j = 0; j < kLanesOfKeys; ++j) {
    x[j] = _mm512_mul_ps(_mm512_loadu_ps(scores + j * kLaneFloats), _mm512_set1_ps(scale));
    greatest = _mm512_max_ps(greatest, x[j]);
  }
  const float peak = _mm512_reduce_max_ps(greatest);
  const bool none = peak < 0.001f * scale * kMasked;  // the row sees no key yet
  for (int j = 0; j < kLanesOfKeys; ++j) {
    x[j] = none ? _mm512_setzero_ps() : exp_lanes(_mm512_sub_ps(x[j], _mm512_set1_ps(peak)));
    sum = _mm512_add_ps(sum, x[j]);
    _mm512_storeu_ps(scores + j * kLaneFloats, x[j]);
  }
  if (none) return 1;
  const float shrink = exp_approx(row.peak - peak);
  row.total = row.total * shrink + _mm512_reduce_add_ps(sum);
  row.peak = peak;
  return shrink;
}

TELORA_INLINE void scale_all(float* x, int64_t count, float factor) {
  for (int64_t i = 0; i < count; ++i) x[i] *= factor;
}

// One block of queries against the keys [key, key + keys).
TELORA_INLINE void take_keys(const AttentionBlock& b, const ForwardScratch& s, int64_t first,
                             int64_t count, int64_t key, int64_t keys) {
  const int64_t step = padded(b.dim), n = count * b.group();
  pair_product({s.queries, step / 2, 1}, n, s.columns, kKeyBlock, step / 2, kKeyBlock, s.scores,
               kKeyBlock, false);
  mask(b, first, count, key, s.scores);
  for (int64_t i = 0; i < n; ++i) {
    const float shrink = take_row(s.scores + i * kKeyBlock, b.scale, s.rows[i]);
    if (shrink != 1.0f) scale_all(s.sums + i * step, step, shrink);
  }
  round_rows(s.scores, n, s.weights);
  pair_product({s.weights, kKeyBlock / 2, 1}, n, s.values, step, (keys + 1) / 2, step, s.sums, step,
               true);
}

struct BackwardScratch {
  BackwardScratch(float* at, const AttentionBlock& b) {
    const int64_t step = padded(b.dim), rows = b.query_count * b.group();
    const int64_t some = kQueryBlock * b.group();
    Pool pool{at};
    queries = pool.take<Pair>(rows * step / 2), douts = pool.take<Pair>(rows * step / 2);
    query_pairs = pool.take<Pair>(even(rows) * step / 2 + some * step);
    dout_pairs = pool.take<Pair>(even(rows) * step / 2 + some * step);
    dqueries = pool.take<float>(rows * step), dots = pool.take<float>(rows);
    log_sums = pool.take<float>(rows);
    weights = pool.take<float>(some * kKeyBlock), dscores = pool.take<float>(some * kKeyBlock);
    rounded = pool.take<Pair>(even(some) * kKeyBlock / 2);
    key_columns = pool.take<Pair>(step / 2 * kKeyBlock);
    value_columns = pool.take<Pair>(step / 2 * kKeyBlock);
    keys = pool.take<Pair>(kKeyBlock / 2 * step);
    dkeys = pool.take<float>(kKeyBlock * step), dvalues = pool.take<float>(kKeyBlock * step);
    end = pool.at;
  }
  // Of one block of queries its pairs of rows begin at their own place: its rows may be odd.
  int64_t pairs_at(const AttentionBlock& b, int64_t first) const {
    return first / kQueryBlock * (even(kQueryBlock * b.group()) / 2) * padded(b.dim);
  }
  Pair *queries, *douts;           // [rows, step / 2]
  Pair *query_pairs, *dout_pairs;  // by pairs of rows, one block of queries after the other
  float *dqueries, *dots, *log_sums;
  float *weights, *dscores;  // [rows of a query block, key block]
  Pair* rounded;             // one of them
  Pair *key_columns, *value_columns, *keys;
  float *dkeys, *dvalues;
  float* end;
};

TELORA_INLINE float dot_of(const Bf16* a, const Bf16* b, int64_t dim) {
  return sum_over(dim, [&](int64_t c) { return load(a[c]) * load(b[c]); });
}

TELORA_INLINE void prepare(const AttentionInputs& in, const AttentionBlock& b,
                           const BackwardScratch& s) {
  const int64_t step = padded(b.dim), group = b.group(), rows = b.query_count * group;
  const BlockTensors tensors{b};
  const auto* q = static_cast<const Bf16*>(in.q);
  const auto* dout = static_cast<const Bf16*>(in.dout);
  const auto outs = tensors.queries(static_cast<const Bf16*>(in.out), 0);
  const auto douts = tensors.queries(dout, 0);
  copy_rows(tensors.queries(q, 0), rows, b.dim, step, s.queries);
  copy_rows(douts, rows, b.dim, step, s.douts);
  for (int64_t first = 0; first < b.query_count; first += kQueryBlock) {
    const int64_t n = std::min(kQueryBlock, b.query_count - first) * group;
    pair_rows(tensors.queries(q, first), n, b.dim, step, s.query_pairs + s.pairs_at(b, first));
    pair_rows(tensors.queries(dout, first), n, b.dim, step, s.dout_pairs + s.pairs_at(b, first));
  }
  for (int64_t i = 0; i < rows; ++i) {
    s.dots[i] = dot_of(douts(i), outs(i), b.dim);
    s.log_sums[i] =
        in.log_sum[(b.kv_head * group + i % group) * in.log_sum_stride + b.query_begin + i / group];
  }
  std::fill(s.dqueries, s.dqueries + rows * step, 0.0f);
}

// Weights from scores, and their gradients, in place.
TELORA_INLINE void weigh(const AttentionBlock& b, const BackwardScratch& s, int64_t at, int64_t n) {
  const __m512 scale = _mm512_set1_ps(b.scale);
  for (int64_t i = 0; i < n; ++i) {
    float *weights = s.weights + i * kKeyBlock, *dscores = s.dscores + i * kKeyBlock;
    const __m512 log_sum = _mm512_set1_ps(s.log_sums[at + i]), dot = _mm512_set1_ps(s.dots[at + i]);
    for (int64_t j = 0; j < kKeyBlock; j += kLaneFloats) {
      const __m512 weight =
          exp_lanes(_mm512_fmsub_ps(_mm512_loadu_ps(weights + j), scale, log_sum));
      const __m512 slope = _mm512_sub_ps(_mm512_loadu_ps(dscores + j), dot);
      _mm512_storeu_ps(weights + j, weight);
      _mm512_storeu_ps(dscores + j, _mm512_mul_ps(scale, _mm512_mul_ps(weight, slope)));
    }
  }
}

// One block of queries against one block of keys.
TELORA_INLINE void add_gradients(const AttentionBlock& b, const BackwardScratch& s, int64_t first,
                                 int64_t count, int64_t key, int64_t keys) {
  const int64_t step = padded(b.dim), n = count * b.group(), at = first * b.group();
  const int64_t half = step / 2, pairs = s.pairs_at(b, first);
  pair_product({s.queries + at * half, half, 1}, n, s.key_columns, kKeyBlock, half, kKeyBlock,
               s.weights, kKeyBlock, false);
  pair_product({s.douts + at * half, half, 1}, n, s.value_columns, kKeyBlock, half, kKeyBlock,
               s.dscores, kKeyBlock, false);
  mask(b, first, count, key, s.weights);
  weigh(b, s, at, n);
  round_row_pairs(s.weights, n, s.rounded);
  pair_product({s.rounded, 1, kKeyBlock}, keys, s.dout_pairs + pairs, step, (n + 1) / 2, step,
               s.dvalues, step, true);
  round_row_pairs(s.dscores, n, s.rounded);
  pair_product({s.rounded, 1, kKeyBlock}, keys, s.query_pairs + pairs, step, (n + 1) / 2, step,
               s.dkeys, step, true);
  round_rows(s.dscores, n, s.rounded);
  pair_product({s.rounded, kKeyBlock / 2, 1}, n, s.keys, step, (keys + 1) / 2, step,
               s.dqueries + at * step, step, true);
}

// The scale is in dscores already.
AttentionBlock unscaled(AttentionBlock b) {
  b.scale = 1;
  return b;
}

}  // namespace

int64_t pairs_forward_scratch_floats(const AttentionBlock& b) {
  return ForwardScratch(nullptr, b).end - static_cast<float*>(nullptr);
}

int64_t pairs_backward_scratch_floats(const AttentionBlock& b) {
  return BackwardScratch(nullptr, b).end - static_cast<float*>(nullptr);
}

void attend_block_pairs(const Bf16* q, const Bf16* k, const Bf16* v, const AttentionBlock& b,
                        Bf16* out, float* log_sum, int64_t log_sum_stride, float* scratch) {
  const int64_t step = padded(b.dim);
  const ForwardScratch s(scratch, b);
  const BlockTensors tensors{b};
  for (int64_t first = 0; first < b.query_count; first += kQueryBlock) {
    const int64_t count = std::min(kQueryBlock, b.query_count - first), n = count * b.group();
    copy_rows(tensors.queries(q, first), n, b.dim, step, s.queries);
    std::fill(s.sums, s.sums + n * step, 0.0f);
    std::fill(s.rows, s.rows + n, SoftmaxRow{kMasked, 0});
    const int64_t begin = visible_to(b, first).first, end = visible_to(b, first + count - 1).last;
    for (int64_t key = begin; key < end; key += kKeyBlock) {
      const int64_t keys = std::min(kKeyBlock, end - key);
      pair_columns_of(tensors.keys(k, key), keys, b.dim, step, s.columns);
      pair_rows(tensors.keys(v, key), keys, b.dim, step, s.values);
      take_keys(b, s, first, count, key, keys);
    }
    store_rows(b, first, count, s.sums, s.rows, out, log_sum, log_sum_stride);
  }
}

void attend_block_pairs_backward(const AttentionInputs& in, const AttentionBlock& b,
                                 const AttentionOutputs& out, float* scratch) {
  const int64_t step = padded(b.dim);
  const BackwardScratch s(scratch, b);
  const BlockTensors tensors{b};
  prepare(in, b, s);
  for (int64_t key = 0; key < b.keys(); key += kKeyBlock) {
    const int64_t keys = std::min(kKeyBlock, b.keys() - key);
    const auto of_keys = tensors.keys(static_cast<const Bf16*>(in.k), key);
    pair_columns_of(of_keys, keys, b.dim, step, s.key_columns);
    pair_columns_of(tensors.keys(static_cast<const Bf16*>(in.v), key), keys, b.dim, step,
                    s.value_columns);
    pair_rows(of_keys, keys, b.dim, step, s.keys);
    std::fill(s.dkeys, s.dkeys + kKeyBlock * step, 0.0f);
    std::fill(s.dvalues, s.dvalues + kKeyBlock * step, 0.0f);
    for (int64_t first = 0; first < b.query_count; first += kQueryBlock) {
      const int64_t count = std::min(kQueryBlock, b.query_count - first);
      const bool seen =
          visible_to(b, first + count - 1).last > key && visible_to(b, first).first < key + keys;
      if (seen) add_gradients(b, s, first, count, key, keys);
    }
    store_keys(b, out, key, keys, s.dkeys, s.dvalues);
  }
  store_queries(unscaled(b), s.dqueries, out.dq);
}

}  // namespace telora::kernels

#pragma GCC pop_options
#else

namespace telora::kernels {

int64_t pairs_forward_scratch_floats(const AttentionBlock&) { return 0; }
int64_t pairs_backward_scratch_floats(const AttentionBlock&) { return 0; }
void attend_block_pairs(const Bf16*, const Bf16*, const Bf16*, const AttentionBlock&, Bf16*, float*,
                        int64_t, float*) {
  throw Error(ErrorKind::kInternal, "attention: found no pairs of bfloat16 on this processor");
}
void attend_block_pairs_backward(const AttentionInputs&, const AttentionBlock&,
                                 const AttentionOutputs&, float*) {
  throw Error(ErrorKind::kInternal, "attention: found no pairs of bfloat16 on this processor");
}

}  // namespace telora::kernels
#endif

namespace telora::kernels {

namespace {

std::atomic<bool>& pairs_wanted() {
  static std::atomic<bool> wanted = product_kind(at::kBFloat16) == ProductKind::kPairs;
  return wanted;
}

}  // namespace

bool multiplies_pairs() { return pairs_wanted(); }
void set_multiplies_pairs(bool wanted) { pairs_wanted() = wanted && has_bf16_dot(); }

}  // namespace telora::kernels
