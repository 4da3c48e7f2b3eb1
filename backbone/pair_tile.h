#pragma once

#include <cstdint>

#include "backbone/kernel_math.h"
#include "backbone/tile_product.h"

// Private to the sources compiled for AVX-512 bfloat16, which include <immintrin.h> before and this
// inside their target: products of small matrices of pairs, float32 sums.
namespace telora::kernels {

using Pair = uint32_t;  // two bfloat16 that are multiplied and added in one step

// Where the pairs of the left matrix lie: (row, k) at data[row * row_step + k * k_step].
struct LeftPairs {
  const Pair* data;
  int64_t row_step, k_step;
};

// C [kRows, 16 * kWide] (+)= A B over `depth` pairs; B has `b_step` pairs a row.
template <int kRows, int kWide>
TELORA_INLINE void pair_tile(const LeftPairs& a, const Pair* b, int64_t b_step, int64_t depth,
                             float* c, int64_t c_step, bool add) {
  __m512 sum[kRows][kWide];
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kWide; ++j)
      sum[i][j] = add ? _mm512_loadu_ps(c + i * c_step + j * kLaneFloats) : _mm512_setzero_ps();
  }
  for (int64_t k = 0; k < depth; ++k, b += b_step) {
    __m512bh row[kWide];
    for (int j = 0; j < kWide; ++j)
      row[j] = reinterpret_cast<__m512bh>(_mm512_loadu_si512(b + j * kLaneFloats));
    for (int i = 0; i < kRows; ++i) {
      const auto left = reinterpret_cast<__m512bh>(
          _mm512_set1_epi32(static_cast<int>(a.data[i * a.row_step + k * a.k_step])));
      for (int j = 0; j < kWide; ++j) sum[i][j] = _mm512_dpbf16_ps(sum[i][j], left, row[j]);
    }
  }
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kWide; ++j) _mm512_storeu_ps(c + i * c_step + j * kLaneFloats, sum[i][j]);
  }
}

template <int kWide>
TELORA_INLINE void pair_columns(const LeftPairs& a, int64_t rows, const Pair* b, int64_t b_step,
                                int64_t depth, float* c, int64_t c_step, bool add) {
  const auto left = [&](int64_t row) {
    return LeftPairs{a.data + row * a.row_step, a.row_step, a.k_step};
  };
  int64_t i = 0;
  for (; i + 6 <= rows; i += 6)
    pair_tile<6, kWide>(left(i), b, b_step, depth, c + i * c_step, c_step, add);
  for (; i + 2 <= rows; i += 2)
    pair_tile<2, kWide>(left(i), b, b_step, depth, c + i * c_step, c_step, add);
  for (; i < rows; ++i) pair_tile<1, kWide>(left(i), b, b_step, depth, c + i * c_step, c_step, add);
}

}  // namespace telora::kernels
