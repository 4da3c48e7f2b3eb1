#pragma once

#include <ATen/core/Tensor.h>

#include <span>

#include "backbone/packed_matrix.h"

namespace telora {

// left [rows, depth], float32 or bfloat16, the elements of a row side by side.
struct Product {
  at::Tensor left;
  const PackedMatrix* right;
};

// What is done with the sum of products before it is rounded.
struct ProductTail {
  at::Tensor bias = {};  // [columns] float32, or undefined
  double scale = 1;      // of sum + bias
  at::Tensor add = {};   // [rows, columns] of the result's type, or undefined
};

// add + scale * (sum of left * right + bias): [rows, columns] in `type`, float32 sums. All products
// have the same rows and columns.
at::Tensor multiply(std::span<const Product> products, at::ScalarType type,
                    const ProductTail& tail = {});

// The same into `out`, which may be `add` itself.
void multiply_into(at::Tensor& out, std::span<const Product> products,
                   const ProductTail& tail = {});

// left' right for left [rows, ranks] and right [rows, columns] of one type: [ranks, columns]
// float32. The gradient of a low-rank factor.
at::Tensor sum_rows(const at::Tensor& left, const at::Tensor& right, ProductKind kind);

}  // namespace telora
