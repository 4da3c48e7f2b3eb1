#include "backbone/head_kernel.h"

#include <algorithm>

#include "backbone/kernel_math.h"
#include "backbone/tile_product.h"

namespace telora::kernels {

namespace {

typedef float Half __attribute__((vector_size(32), aligned(4)));
typedef float Quarter __attribute__((vector_size(16), aligned(4)));

TELORA_INLINE float sum_of(const Lane& lane) {
  const auto* halves = reinterpret_cast<const Half*>(&lane);
  const Half half = halves[0] + halves[1];
  const auto* quarters = reinterpret_cast<const Quarter*>(&half);
  const Quarter quarter = quarters[0] + quarters[1];
  return (quarter[0] + quarter[2]) + (quarter[1] + quarter[3]);
}

// Rows of x against rows of the weight, both from left to right.
template <int kRows, int kWeights>
TELORA_INLINE void dot_tile(const HeadProduct& p, int64_t row, int64_t v) {
  Lane sum[kRows][kWeights] = {};
  const float* const x = p.x + row * p.depth;
  const float* const w = p.weight + v * p.depth;
  int64_t k = 0;
  for (; k + kLaneFloats <= p.depth; k += kLaneFloats) {
    Lane columns[kWeights];
    for (int j = 0; j < kWeights; ++j)
      columns[j] = *reinterpret_cast<const Lane*>(w + j * p.depth + k);
    for (int i = 0; i < kRows; ++i) {
      const Lane element = *reinterpret_cast<const Lane*>(x + i * p.depth + k);
      for (int j = 0; j < kWeights; ++j) sum[i][j] += element * columns[j];
    }
  }
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kWeights; ++j) {
      float total = sum_of(sum[i][j]);
      for (int64_t rest = k; rest < p.depth; ++rest)
        total += x[i * p.depth + rest] * w[j * p.depth + rest];
      p.out[(row + i) * p.out_step + v + j] = p.scale * total;
    }
  }
}

template <int kRows, int kWeights>
TELORA_INLINE void dot_rows(const HeadProduct& p, int64_t v) {
  int64_t row = 0;
  for (; row + kRows <= p.rows; row += kRows) dot_tile<kRows, kWeights>(p, row, v);
  for (; row < p.rows; ++row) dot_tile<1, kWeights>(p, row, v);
}

template <int kRows, int kWeights>
TELORA_INLINE void dot_all(const HeadProduct& p) {
  int64_t v = p.first;
  for (; v + kWeights <= p.last; v += kWeights) dot_rows<kRows, kWeights>(p, v);
  for (; v < p.last; ++v) dot_rows<kRows, 1>(p, v);
}

constexpr int64_t kStrip = 64;       // columns
constexpr int64_t kDepthBlock = 96;  // rows of the weight: a strip of them lies in the first cache

TELORA_INLINE void add_strip(const HeadGradient& g, int64_t column, int64_t v, int64_t depth,
                             bool wide) {
  const LeftMatrix dy{g.dy + v, g.depth, 1};
  const float* const weight = g.weight + v * g.width + column;
  const int64_t columns = std::min(kStrip, g.last - column);
  const int64_t whole = columns / kLaneFloats * kLaneFloats;
  product(dy, g.rows, weight, g.width, depth, whole, g.out + column, g.width, v > 0, wide);
  for (int64_t i = 0; i < g.rows; ++i) {
    for (int64_t c = whole; c < columns; ++c) {
      float& out = g.out[i * g.width + column + c];
      float sum = v > 0 ? out : 0.0f;
      for (int64_t k = 0; k < depth; ++k)
        sum += g.dy[i * g.depth + v + k] * weight[k * g.width + c];
      out = sum;
    }
  }
}

TELORA_INLINE void gradient(const HeadGradient& g, bool wide) {
  for (int64_t v = 0; v < g.depth; v += kDepthBlock) {
    const int64_t depth = std::min(kDepthBlock, g.depth - v);
    for (int64_t column = g.first; column < g.last; column += kStrip)
      add_strip(g, column, v, depth, wide);
  }
  if (g.scale == 1) return;
  for (int64_t i = 0; i < g.rows; ++i) {
    for (int64_t c = g.first; c < g.last; ++c) g.out[i * g.width + c] *= g.scale;
  }
}

TELORA_CLONES void gradient_of(const HeadGradient& g) { gradient(g, has_wide_registers()); }

}  // namespace

TELORA_CLONES void head_product(const HeadProduct& p) {
  has_wide_registers() ? dot_all<6, 4>(p) : dot_all<2, 2>(p);
}

void head_gradient(const HeadGradient& g) { gradient_of(g); }

}  // namespace telora::kernels
