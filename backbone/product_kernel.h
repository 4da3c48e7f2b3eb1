#pragma once

#include <cstdint>
#include <span>

#include "backbone/kernels.h"

// Products of rows with frozen matrices that were packed once, and what stands behind them: bias,
// factor and the residual stream, in one pass. Sums are binary32 and their order does not depend on
// how the rows are split.
namespace telora::kernels {

// A packed matrix [depth, columns] lies in panels of 64 columns, the last one narrowed to a
// multiple of 16: [panel][depth][columns of the panel], in bfloat16 with two depths side by side.
constexpr int64_t kPanel = 64;
constexpr int64_t kLaneColumns = 16;

// Elements of a packed matrix; in bfloat16 its depth must be even.
int64_t packed_elements(int64_t depth, int64_t columns);

// Packs panels [first, last) of element (k, n) at source[k * depth_step + n * column_step].
void pack_panels(const float* source, int64_t depth_step, int64_t column_step, int64_t depth,
                 int64_t columns, int64_t first, int64_t last, float* packed);
void pack_panels(const Bf16* source, int64_t depth_step, int64_t column_step, int64_t depth,
                 int64_t columns, int64_t first, int64_t last, float* packed);
void pack_panels(const float* source, int64_t depth_step, int64_t column_step, int64_t depth,
                 int64_t columns, int64_t first, int64_t last, Bf16* packed);
void pack_panels(const Bf16* source, int64_t depth_step, int64_t column_step, int64_t depth,
                 int64_t columns, int64_t first, int64_t last, Bf16* packed);

// left [rows, depth] times a packed right [depth, columns], both of the type that is multiplied.
struct Factors {
  const void* left;
  int64_t left_step;  // elements between rows
  const void* right;
  int64_t depth;
};

// out = add + scale * (sum + bias)
struct ProductOutput {
  void* out;  // [rows, columns]
  int64_t out_step;
  const void* add = nullptr;  // [rows, columns] of out's type, or none
  int64_t add_step = 0;
  const float* bias = nullptr;  // [columns], or none
  float scale = 1;
  bool bf16 = false;  // type of out and add
};

// Sum of all factors' products, for panels [first, last) of the columns.
struct ProductRange {
  int64_t rows, columns, first, last;
};
void product_f32(std::span<const Factors> factors, const ProductRange& range,
                 const ProductOutput& output);
// Only where has_bf16_dot().
void product_bf16(std::span<const Factors> factors, const ProductRange& range,
                  const ProductOutput& output);

// out[i, j] = sum over t of left[t, i] * right[t, j] for columns [first, last) of right: the
// gradient of a small matrix. left and right of one type, out float32.
struct RowSums {
  const void* left;  // [rows, ranks]
  int64_t left_step, ranks;
  const void* right;  // [rows, columns]
  int64_t right_step, first, last;
  int64_t rows;
  float* out;  // [ranks, columns]
  int64_t out_step;
};
void sum_rows_f32(const RowSums& sums, bool bf16);
// Only where has_bf16_dot().
void sum_rows_bf16(const RowSums& sums);

// Rows of bfloat16, `step` elements apart, as float32 rows without a gap.
void widen_rows(const Bf16* from, int64_t step, int64_t rows, int64_t columns, float* out);

// Whether this processor multiplies pairs of bfloat16 (AVX-512).
bool has_bf16_dot();

}  // namespace telora::kernels
