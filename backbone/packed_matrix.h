#pragma once

#include <ATen/core/Tensor.h>

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

// The matrix again: [depth, columns] in the type that is multiplied.
at::Tensor unpack_matrix(const PackedMatrix& packed);

// A frozen weight [out, in] as the kernels read it. Only what is used is kept: the form for forward
// products always, that for gradients and the plain matrix once they have been asked for.
class FrozenMatrix {
 public:
  FrozenMatrix(const at::Tensor& weight, ProductKind kind)
      : kind_(kind), forward_(pack_matrix(weight.t(), kind)) {}

  const PackedMatrix& forward() const { return forward_; }  // x [T, in] times it: [T, out]
  const PackedMatrix& backward() const;                     // dy [T, out] times it: [T, in]
  const at::Tensor& plain() const;                          // [out, in]
  int64_t bytes() const;  // of what is held now
  int64_t in() const { return forward_.depth; }
  int64_t out() const { return forward_.columns; }
  ProductKind kind() const { return kind_; }

 private:
  ProductKind kind_;
  PackedMatrix forward_;
  mutable std::once_flag backward_once_, plain_once_;
  mutable PackedMatrix backward_;
  mutable at::Tensor plain_;
};

}  // namespace telora
