#pragma once

#include <algorithm>
#include <cstdint>

#include "backbone/kernel_math.h"
#include "backbone/product_kernel.h"
#include "backbone/tile_product.h"

// Private to the product kernels. `Dot` says what one step of a product is: how many depths it
// takes (kDepth), how it loads sixteen columns and one element of the left, and how it adds them.
namespace telora::kernels {

// One element of the left for sixteen columns of the right. Registers are handed over by reference:
// by value their passing would depend on the instruction set.
struct FloatDot {
  using Element = float;
  static constexpr int kDepth = 1;
  using Left = float;
  using Right = Lane;
  static TELORA_INLINE void load_left(const float* at, Left& left) { left = *at; }
  static TELORA_INLINE void load_right(const float* at, Right& right) {
    right = *reinterpret_cast<const Lane*>(at);
  }
  static TELORA_INLINE void add(Lane& sum, const Left& left, const Right& right) {
    sum += left * right;
  }
  static TELORA_INLINE void round(const float* values, int64_t count, Bf16* out) {
    for (int64_t i = 0; i < count; ++i) store(values[i], out[i]);
  }
};

// Columns [column, column + 16 * kWide) of one panel.
struct TilePlace {
  int64_t row, panel_begin, panel_width, column;
};

template <typename Dot, int kRows, int kWide>
TELORA_INLINE void add_factors(const Factors& f, const TilePlace& at, Lane (&sum)[kRows][kWide]) {
  using Element = typename Dot::Element;
  const Element* left = static_cast<const Element*>(f.left) + at.row * f.left_step;
  const Element* right = static_cast<const Element*>(f.right) + at.panel_begin * f.depth +
                         (at.column - at.panel_begin) * Dot::kDepth;
  const int64_t step = at.panel_width * Dot::kDepth;
  for (int64_t k = 0; k < f.depth; k += Dot::kDepth, right += step) {
    typename Dot::Right columns[kWide];
    for (int j = 0; j < kWide; ++j)
      Dot::load_right(right + j * kLaneFloats * Dot::kDepth, columns[j]);
    for (int i = 0; i < kRows; ++i) {
      typename Dot::Left element;
      Dot::load_left(left + i * f.left_step + k, element);
      for (int j = 0; j < kWide; ++j) Dot::add(sum[i][j], element, columns[j]);
    }
  }
}

// Sums of one row to out = add + scale * (sum + bias), `count` columns from `column` on.
template <typename Dot>
TELORA_INLINE void store_row(float* values, const ProductOutput& o, int64_t row, int64_t column,
                             int64_t count) {
  const int64_t at = row * o.out_step + column, add_at = row * o.add_step + column;
  if (o.bias) {
    for (int64_t i = 0; i < count; ++i) values[i] += o.bias[column + i];
  }
  if (o.scale != 1) {
    for (int64_t i = 0; i < count; ++i) values[i] *= o.scale;
  }
  if (o.add && o.bf16) {
    for (int64_t i = 0; i < count; ++i)
      values[i] += load(static_cast<const Bf16*>(o.add)[add_at + i]);
  } else if (o.add) {
    for (int64_t i = 0; i < count; ++i) values[i] += static_cast<const float*>(o.add)[add_at + i];
  }
  if (o.bf16) return Dot::round(values, count, static_cast<Bf16*>(o.out) + at);
  for (int64_t i = 0; i < count; ++i) static_cast<float*>(o.out)[at + i] = values[i];
}

template <typename Dot, int kRows, int kWide>
TELORA_INLINE void sum_tile(std::span<const Factors> factors, const TilePlace& at, float* values) {
  Lane sum[kRows][kWide] = {};
  for (const Factors& f : factors) add_factors<Dot>(f, at, sum);
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kWide; ++j) reinterpret_cast<Lane*>(values)[i * kWide + j] = sum[i][j];
  }
}

template <typename Dot, int kRows, int kWide>
TELORA_INLINE void product_rows(std::span<const Factors> factors, const ProductRange& range,
                                TilePlace& at, const ProductOutput& o) {
  float values[kRows * kWide * kLaneFloats];
  for (; at.row + kRows <= range.rows; at.row += kRows) {
    sum_tile<Dot, kRows, kWide>(factors, at, values);
    const int64_t count = std::min(kWide * kLaneFloats, range.columns - at.column);
    for (int i = 0; i < kRows; ++i)
      store_row<Dot>(values + i * kWide * kLaneFloats, o, at.row + i, at.column, count);
  }
}

// All rows of the tiles' columns: as many at a time as there are registers for.
template <typename Dot, int kRows, int kWide>
TELORA_INLINE void product_columns(std::span<const Factors> factors, const ProductRange& range,
                                   TilePlace at, const ProductOutput& o) {
  product_rows<Dot, kRows, kWide>(factors, range, at, o);
  if constexpr (kRows > 6) product_rows<Dot, 4, kWide>(factors, range, at, o);
  product_rows<Dot, 2, kWide>(factors, range, at, o);
  product_rows<Dot, 1, kWide>(factors, range, at, o);
}

// `wide`: 32 registers of 64 bytes.
template <typename Dot>
TELORA_INLINE void product(std::span<const Factors> factors, const ProductRange& range,
                           const ProductOutput& o, bool wide) {
  for (int64_t panel = range.first; panel < range.last; ++panel) {
    TilePlace at{0, panel * kPanel, 0, panel * kPanel};
    const int64_t left = range.columns - at.panel_begin;
    at.panel_width = std::min(kPanel, (left + kLaneFloats - 1) / kLaneFloats * kLaneFloats);
    if (wide && at.panel_width == kPanel) {
      product_columns<Dot, 6, 4>(factors, range, at, o);
      continue;
    }
    for (int64_t done = 0; done < at.panel_width; done += kLaneFloats, at.column += kLaneFloats) {
      wide ? product_columns<Dot, 12, 1>(factors, range, at, o)
           : product_columns<Dot, 6, 1>(factors, range, at, o);
    }
  }
}

// Panels of one matrix in the order in which product() reads them; what is beyond its last column
// is zero.
template <typename S, typename T>
TELORA_INLINE void pack(const S* source, int64_t depth_step, int64_t column_step, int64_t depth,
                        int64_t columns, int64_t first, int64_t last, T* packed) {
  constexpr int kDepth = sizeof(T) == sizeof(Bf16) ? 2 : 1;
  for (int64_t panel = first; panel < last; ++panel) {
    const int64_t begin = panel * kPanel, left = columns - begin;
    const int64_t width = std::min(kPanel, (left + kLaneFloats - 1) / kLaneFloats * kLaneFloats);
    T* const out = packed + begin * depth;
    for (int64_t n = 0; n < width; ++n) {
      const S* const column = source + (begin + n) * column_step;
      T* to = out + n * kDepth;
      for (int64_t k = 0; k < depth; k += kDepth, to += width * kDepth) {
        for (int d = 0; d < kDepth; ++d)
          store(n < left ? load(column[(k + d) * depth_step]) : 0.0f, to[d]);
      }
    }
  }
}

}  // namespace telora::kernels
