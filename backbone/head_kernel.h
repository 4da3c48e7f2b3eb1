#pragma once

#include <cstdint>

// Products of float32 rows with a matrix as it lies in memory, row by row: the vocabulary head,
// which is too large to be kept in a second form. The order of each sum depends neither on the
// rows beside it nor on how the work is split.
namespace telora::kernels {

// out[i, v] = scale * sum over k of x[i, k] * weight[v, k] for v in [first, last).
struct HeadProduct {
  const float* x;  // [rows, depth]
  int64_t rows, depth;
  const float* weight;  // [.., depth]
  int64_t first, last;
  float scale;
  float* out;  // [rows, out_step]
  int64_t out_step;
};
void head_product(const HeadProduct& product);

// out[i, c] = scale * sum over v of dy[i, v] * weight[v, c] for columns c in [first, last); first
// is a multiple of 64, and last, unless it is the width.
struct HeadGradient {
  const float* dy;  // [rows, depth]
  int64_t rows, depth;
  const float* weight;  // [depth, width]
  int64_t width, first, last;
  float scale;
  float* out;  // [rows, width]
};
void head_gradient(const HeadGradient& gradient);

}  // namespace telora::kernels
