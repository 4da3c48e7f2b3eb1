#include "backbone/product_kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <span>

#include "backbone/kernel_math.h"
#include "backbone/tile_product.h"
#include "core/error.h"

#if defined(__x86_64__)
// All of this source's own code for one kind of processor; it is called only there.
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4,avx512bf16")
#include "backbone/product_tile.h"

namespace telora::kernels {

namespace {

// Two depths at a time: vdpbf16ps.
struct PairDot {
  using Element = Bf16;
  static constexpr int kDepth = 2;
  using Left = __m512bh;
  using Right = __m512bh;
  static TELORA_INLINE void load_right(const Bf16* at, Right& right) {
    right = reinterpret_cast<__m512bh>(_mm512_loadu_si512(at));
  }
  static TELORA_INLINE void load_left(const Bf16* at, Left& left) {
    int pair;
    __builtin_memcpy(&pair, at, sizeof pair);
    left = reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair));
  }
  static TELORA_INLINE void add(Lane& sum, const Left& left, const Right& right) {
    sum = reinterpret_cast<Lane>(_mm512_dpbf16_ps(reinterpret_cast<__m512>(sum), left, right));
  }
  static TELORA_INLINE void round(const float* values, int64_t count, Bf16* out) {
    int64_t i = 0;
    for (; i + kLaneFloats <= count; i += kLaneFloats) {
      const __m256bh rounded = _mm512_cvtneps_pbh(_mm512_loadu_ps(values + i));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), reinterpret_cast<__m256i>(rounded));
    }
    for (; i < count; ++i) store(values[i], out[i]);
  }
};

// A block of rows and a strip of columns at a time; its pairs are put together once and read for
// all ranks of a group.
constexpr int64_t kRowBlock = 128;
constexpr int64_t kStrip = 64;  // a cache line's length twice: rows lie far apart
constexpr int kRankTile = 6;
constexpr int64_t kRankGroup = 5 * kRankTile;
constexpr int64_t kPairs = kRowBlock / 2;

struct SumScratch {
  alignas(64) uint32_t left[kRankGroup / kRankTile][kPairs][kRankTile];
  alignas(64) __m512i right[kPairs][4];  // [..][32 columns: low pairs, high pairs]
};

void pair_left(const RowSums& s, int64_t rank, int64_t begin, int64_t end, SumScratch& scratch) {
  const auto at = [&](int64_t t, int64_t i) -> uint32_t {
    if (t >= end || rank + i >= s.ranks) return 0;
    return static_cast<const Bf16*>(s.left)[t * s.left_step + rank + i].bits;
  };
  const int64_t tiles = (std::min(kRankGroup, s.ranks - rank) + kRankTile - 1) / kRankTile;
  for (int64_t t = begin; t < end; t += 2) {
    for (int64_t i = 0; i < tiles * kRankTile; ++i) {
      scratch.left[i / kRankTile][(t - begin) / 2][i % kRankTile] = at(t, i) | at(t + 1, i) << 16;
    }
  }
}

TELORA_INLINE __mmask32 first_bits(int64_t count) {
  return count >= 32 ? ~__mmask32{0} : count <= 0 ? 0 : (__mmask32{1} << count) - 1;
}

// Columns interleaved with those of the next row lie in the order 0-3, 8-11, 16-19, 24-27, then the
// rest; the sums keep it until the end.
TELORA_INLINE void pair_right(const RowSums& s, int64_t column, int64_t begin, int64_t end,
                              SumScratch& scratch) {
  const Bf16* const right = static_cast<const Bf16*>(s.right) + column;
  for (int half = 0; half < 2; ++half) {
    const __mmask32 valid = first_bits(s.last - column - half * 32);
    for (int64_t t = begin; t < end; t += 2) {
      const Bf16* const at = right + t * s.right_step + half * 32;
      const __m512i first = _mm512_maskz_loadu_epi16(valid, at);
      const __m512i second =
          t + 1 < end ? _mm512_maskz_loadu_epi16(valid, at + s.right_step) : _mm512_setzero_si512();
      // The next strip, while this one is multiplied.
      __builtin_prefetch(at + kStrip);
      __builtin_prefetch(at + s.right_step + kStrip);
      __m512i* const out = scratch.right[(t - begin) / 2] + 2 * half;
      out[0] = _mm512_unpacklo_epi16(first, second);
      out[1] = _mm512_unpackhi_epi16(first, second);
    }
  }
}

// Where column c of the strip lies in the two accumulators of a rank.
TELORA_INLINE __m512i places(int first_column) {
  alignas(64) int at[kLaneFloats];
  for (int i = 0; i < kLaneFloats; ++i) {
    const int c = first_column + i;
    at[i] = c / 8 * 4 + c % 4 + c % 8 / 4 * 16;
  }
  return _mm512_load_si512(at);
}

TELORA_INLINE void add_to_out(const RowSums& s, int64_t rank, int64_t column, bool first,
                              const __m512 (&sums)[kRankTile][4]) {
  const int64_t ranks = std::min<int64_t>(kRankTile, s.ranks - rank);
  for (int quarter = 0; quarter < 4; ++quarter) {
    const int64_t begin = column + quarter * kLaneFloats;
    const auto valid = static_cast<__mmask16>(first_bits(s.last - begin));
    if (!valid) return;
    const __m512i from = places(quarter % 2 * kLaneFloats);
    for (int64_t i = 0; i < ranks; ++i) {
      float* const out = s.out + (rank + i) * s.out_step + begin;
      const __m512* const pair = sums[i] + quarter / 2 * 2;
      const __m512 sum = _mm512_permutex2var_ps(pair[0], from, pair[1]);
      const __m512 before = first ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(valid, out);
      _mm512_mask_storeu_ps(out, valid, _mm512_add_ps(before, sum));
    }
  }
}

TELORA_INLINE void add_tile(const RowSums& s, int64_t rank, int64_t column, int64_t pairs,
                            bool first, const SumScratch& scratch,
                            const uint32_t (*left)[kRankTile]) {
  __m512 sums[kRankTile][4] = {};
  for (int64_t p = 0; p < pairs; ++p) {
    const auto* const right = reinterpret_cast<const __m512bh*>(scratch.right[p]);
    for (int i = 0; i < kRankTile; ++i) {
      const auto element =
          reinterpret_cast<__m512bh>(_mm512_set1_epi32(static_cast<int>(left[p][i])));
      for (int j = 0; j < 4; ++j) sums[i][j] = _mm512_dpbf16_ps(sums[i][j], element, right[j]);
    }
  }
  add_to_out(s, rank, column, first, sums);
}

}  // namespace

void product_bf16(std::span<const Factors> factors, const ProductRange& range,
                  const ProductOutput& output) {
  product<PairDot>(factors, range, output, true);
}

void sum_rows_bf16(const RowSums& s) {
  SumScratch scratch;
  for (int64_t group = 0; group < s.ranks; group += kRankGroup) {
    const int64_t group_end = std::min(s.ranks, group + kRankGroup);
    for (int64_t begin = 0; begin < s.rows; begin += kRowBlock) {
      const int64_t end = std::min(s.rows, begin + kRowBlock), pairs = (end - begin + 1) / 2;
      pair_left(s, group, begin, end, scratch);
      for (int64_t column = s.first; column < s.last; column += kStrip) {
        pair_right(s, column, begin, end, scratch);
        for (int64_t rank = group; rank < group_end; rank += kRankTile) {
          add_tile(s, rank, column, pairs, begin == 0, scratch,
                   scratch.left[(rank - group) / kRankTile]);
        }
      }
    }
  }
}

}  // namespace telora::kernels

#pragma GCC pop_options
#else

namespace telora::kernels {

void product_bf16(std::span<const Factors>, const ProductRange&, const ProductOutput&) {
  throw Error(ErrorKind::kInternal, "product: found no pairs of bfloat16 on this processor");
}
void sum_rows_bf16(const RowSums&) {
  throw Error(ErrorKind::kInternal, "product: found no pairs of bfloat16 on this processor");
}

}  // namespace telora::kernels
#endif

namespace telora::kernels {

bool has_bf16_dot() {
#if defined(__x86_64__)
  static const bool found =
      __builtin_cpu_supports("x86-64-v4") && __builtin_cpu_supports("avx512bf16");
  return found;
#else
  return false;
#endif
}

}  // namespace telora::kernels
