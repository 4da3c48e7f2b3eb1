#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <mutex>

#include "backbone/product_type.h"

namespace telora {

// A matrix [depth, columns] in the order in which the kernels read it (backbone/product_kernel.h);
// for kLibrary the matrix itself.
struct PackedMatrix {
  at::Tensor data;
  int64_t depth = 0;
  int64_t columns = 0;
  ProductKind kind = ProductKind::kLibrary;
};

// Packs float32 or bfloat16 [depth, columns] of any strides. An odd depth has no pairs and is
// packed for kFloat instead.
PackedMatrix pack_matrix(const at::Tensor& matrix, ProductKind kind);

// A frozen weight [out, in] packed for both directions, each when it is first wanted.
class FrozenMatrix {
 public:
  FrozenMatrix(at::Tensor weight, ProductKind kind) : weight_(std::move(weight)), kind_(kind) {}

  const PackedMatrix& forward() const;   // x [T, in] times it: [T, out]
  const PackedMatrix& backward() const;  // dy [T, out] times it: [T, in]
  ProductKind kind() const { return kind_; }

 private:
  at::Tensor weight_;
  ProductKind kind_;
  mutable std::once_flag forward_once_, backward_once_;
  mutable PackedMatrix forward_, backward_;
};

}  // namespace telora
