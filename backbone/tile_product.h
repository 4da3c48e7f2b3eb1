#pragma once

#include <cstdint>

#include "backbone/kernel_math.h"

// Private to the kernel sources: products of small matrices that lie in the caches.
namespace telora::kernels {

// Sixteen floats: one register of AVX-512, two of AVX2, four of SSE.
typedef float Lane __attribute__((vector_size(64), aligned(4)));
constexpr int64_t kLaneFloats = 16;

// Where the elements of the left matrix lie: (row, k) at data[row * row_step + k * k_step].
struct LeftMatrix {
  const float* data;
  int64_t row_step, k_step;
};

// C [kRows, 16 * kLanesWide] (+)= A B, B [depth, ...] with `b_step` floats a row, C with `c_step`.
template <int kRows, int kWide>
TELORA_INLINE void tile(const LeftMatrix& a, const float* b, int64_t b_step, int64_t depth,
                        float* c, int64_t c_step, bool add) {
  Lane sum[kRows][kWide];
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kWide; ++j) {
      sum[i][j] = add ? reinterpret_cast<const Lane*>(c + i * c_step)[j] : Lane{};
    }
  }
  for (int64_t k = 0; k < depth; ++k, b += b_step) {
    Lane row[kWide];
    for (int j = 0; j < kWide; ++j) row[j] = reinterpret_cast<const Lane*>(b)[j];
    for (int i = 0; i < kRows; ++i) {
      const float left = a.data[i * a.row_step + k * a.k_step];
      for (int j = 0; j < kWide; ++j) sum[i][j] += left * row[j];
    }
  }
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kWide; ++j) reinterpret_cast<Lane*>(c + i * c_step)[j] = sum[i][j];
  }
}

template <int kWide>
TELORA_INLINE void tile_columns(const LeftMatrix& a, int64_t rows, const float* b, int64_t b_step,
                                int64_t depth, float* c, int64_t c_step, bool add) {
  constexpr int kRows = 6;
  int64_t i = 0;
  const auto left = [&](int64_t row) {
    return LeftMatrix{a.data + row * a.row_step, a.row_step, a.k_step};
  };
  for (; i + kRows <= rows; i += kRows) {
    tile<kRows, kWide>(left(i), b, b_step, depth, c + i * c_step, c_step, add);
  }
  for (; i + 2 <= rows; i += 2) {
    tile<2, kWide>(left(i), b, b_step, depth, c + i * c_step, c_step, add);
  }
  for (; i < rows; ++i) tile<1, kWide>(left(i), b, b_step, depth, c + i * c_step, c_step, add);
}

// C [rows, columns] (+)= A [rows, depth] B [depth, columns]; columns a multiple of 16. `wide`: the
// processor has registers for tiles of 6 x 64.
TELORA_INLINE void product(const LeftMatrix& a, int64_t rows, const float* b, int64_t b_step,
                           int64_t depth, int64_t columns, float* c, int64_t c_step, bool add,
                           bool wide) {
  int64_t j = 0;
  for (; wide && j + 4 * kLaneFloats <= columns; j += 4 * kLaneFloats) {
    tile_columns<4>(a, rows, b + j, b_step, depth, c + j, c_step, add);
  }
  for (; j < columns; j += kLaneFloats) {
    tile_columns<1>(a, rows, b + j, b_step, depth, c + j, c_step, add);
  }
}

inline bool has_wide_registers() {
#if defined(__x86_64__)
  static const bool wide = __builtin_cpu_supports("avx512f");
  return wide;
#else
  return true;
#endif
}

}  // namespace telora::kernels
