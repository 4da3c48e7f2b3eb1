#pragma once

#include <ATen/core/Tensor.h>

#include "backbone/dropout.h"
#include "backbone/packed_matrix.h"

namespace telora {

// A pair that began as a part B0 A0 of the weight (PiSSA, OLoRA), trained on the rest of it:
// y = (W - scale * B0 A0) x + b + scale * B A x. With D = B - B0 and C = A - A0 this is
// W x + b + scale * [B0 D] [C; A] x, which needs no copy of W, is exactly W x + b at the start, and
// rounds the change by its own size where B A and B0 A0 would cancel.
struct ResidualPair {
  at::Tensor a;  // [C; A]: [2r, in] float32
  at::Tensor b;  // [B0 D]: [out, 2r]
};

// The one pair of twice the rank that does the same on the unchanged weight.
ResidualPair residual_pair(const at::Tensor& a, const at::Tensor& b, const at::Tensor& initial_a,
                           const at::Tensor& initial_b);

// What a LoRA pair adds to a linear: scale * B (A dropout(x)) (Hu et al., LoRA, 2021), less what
// the pair began as if that was taken out of the weight.
struct LowRank {
  at::Tensor a;          // [r, in] float32
  at::Tensor b;          // [out, r] float32
  at::Tensor initial_a;  // what A and B were taken out of the weight as; otherwise undefined
  at::Tensor initial_b;
  double scale = 1;
  LoraDropout dropout;

  // The pair that does it on the unchanged weight, of rank r or, with an initial pair, 2r.
  ResidualPair used() const;
  int64_t used_rank() const { return initial_a.defined() ? 2 * a.size(0) : a.size(0); }

  // The same for forward products, packed anew only when the parameters have changed. An odd rank
  // is followed by a row of zeros.
  struct Packed {
    PackedMatrix a;  // [in, rank]
    PackedMatrix b;  // [rank, out]
  };
  const Packed& packed(ProductKind kind) const;

 private:
  mutable Packed packed_;
  mutable const void* packed_from_ = nullptr;  // the parameters then, and their version
  mutable uint64_t packed_version_ = 0;
};

// rows [r, n] with a row of zeros behind an odd r.
at::Tensor with_even_rows(const at::Tensor& rows);

}  // namespace telora
