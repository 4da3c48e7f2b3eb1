#include "backbone/product_kernel.h"

#include "backbone/product_tile.h"

namespace telora::kernels {

namespace {

// A block of rows and a strip of columns at a time, copied so that what is read again and again
// lies together; ranks in groups, whose sums lie in the first cache.
constexpr int64_t kRowBlock = 128;
constexpr int64_t kStrip = 64;
constexpr int64_t kRankGroup = 32;

template <typename T>
TELORA_INLINE void copy_block(const void* source, int64_t step, int64_t rows, int64_t columns,
                              int64_t out_step, float* out) {
  for (int64_t t = 0; t < rows; ++t) {
    const T* row = static_cast<const T*>(source) + t * step;
    for (int64_t j = 0; j < columns; j += kLaneFloats) __builtin_prefetch(row + kStrip + j);
    for (int64_t j = 0; j < columns; ++j) out[t * out_step + j] = load(row[j]);
    for (int64_t j = columns; j < out_step; ++j) out[t * out_step + j] = 0;
  }
}

TELORA_INLINE void add_to_out(const float* sums, int64_t ranks, int64_t columns, bool first,
                              float* out, int64_t out_step) {
  for (int64_t i = 0; i < ranks; ++i, out += out_step) {
    for (int64_t j = 0; j < columns; ++j) out[j] = (first ? 0.0f : out[j]) + sums[i * kStrip + j];
  }
}

template <typename T>
TELORA_INLINE void sum_rows(const RowSums& s, bool wide) {
  float right[kRowBlock * kStrip], left[kRowBlock * kRankGroup], sums[kRankGroup * kStrip];
  for (int64_t rank = 0; rank < s.ranks; rank += kRankGroup) {
    const int64_t ranks = std::min(kRankGroup, s.ranks - rank);
    for (int64_t begin = 0; begin < s.rows; begin += kRowBlock) {
      const int64_t rows = std::min(kRowBlock, s.rows - begin);
      copy_block<T>(static_cast<const T*>(s.left) + begin * s.left_step + rank, s.left_step, rows,
                    ranks, kRankGroup, left);
      for (int64_t column = s.first; column < s.last; column += kStrip) {
        const int64_t columns = std::min(kStrip, s.last - column);
        copy_block<T>(static_cast<const T*>(s.right) + begin * s.right_step + column, s.right_step,
                      rows, columns, kStrip, right);
        product(LeftMatrix{left, 1, kRankGroup}, ranks, right, kStrip, rows, kStrip, sums, kStrip,
                false, wide);
        add_to_out(sums, ranks, columns, begin == 0, s.out + rank * s.out_step + column,
                   s.out_step);
      }
    }
  }
}

}  // namespace

int64_t packed_elements(int64_t depth, int64_t columns) {
  return depth * ((columns + kLaneColumns - 1) / kLaneColumns * kLaneColumns);
}

void pack_panels(const float* source, int64_t depth_step, int64_t column_step, int64_t depth,
                 int64_t columns, int64_t first, int64_t last, float* packed) {
  pack(source, depth_step, column_step, depth, columns, first, last, packed);
}
void pack_panels(const Bf16* source, int64_t depth_step, int64_t column_step, int64_t depth,
                 int64_t columns, int64_t first, int64_t last, float* packed) {
  pack(source, depth_step, column_step, depth, columns, first, last, packed);
}
void pack_panels(const float* source, int64_t depth_step, int64_t column_step, int64_t depth,
                 int64_t columns, int64_t first, int64_t last, Bf16* packed) {
  pack(source, depth_step, column_step, depth, columns, first, last, packed);
}
void pack_panels(const Bf16* source, int64_t depth_step, int64_t column_step, int64_t depth,
                 int64_t columns, int64_t first, int64_t last, Bf16* packed) {
  pack(source, depth_step, column_step, depth, columns, first, last, packed);
}

TELORA_CLONES void widen_rows(const Bf16* from, int64_t step, int64_t rows, int64_t columns,
                              float* out) {
  for (int64_t t = 0; t < rows; ++t, from += step, out += columns) {
    for (int64_t i = 0; i < columns; ++i) out[i] = load(from[i]);
  }
}

TELORA_CLONES void product_f32(std::span<const Factors> factors, const ProductRange& range,
                               const ProductOutput& output) {
  product<FloatDot>(factors, range, output, has_wide_registers());
}

namespace {

TELORA_CLONES void sum_rows_of_f32(const RowSums& sums) {
  sum_rows<float>(sums, has_wide_registers());
}
TELORA_CLONES void sum_rows_of_bf16(const RowSums& sums) {
  sum_rows<Bf16>(sums, has_wide_registers());
}

}  // namespace

void sum_rows_f32(const RowSums& sums, bool bf16) {
  bf16 ? sum_rows_of_bf16(sums) : sum_rows_of_f32(sums);
}

}  // namespace telora::kernels
