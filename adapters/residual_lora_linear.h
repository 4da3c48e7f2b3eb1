#pragma once

#include <ATen/core/Tensor.h>

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

// The above as one autograd node with gradients for x, a and b. x [T, in]; a, initial_a [r, in] and
// b, initial_b [out, r] float32; the rest as in lora_linear().
at::Tensor residual_lora_linear(const at::Tensor& x, const at::Tensor& weight,
                                const at::Tensor& bias, const at::Tensor& a, const at::Tensor& b,
                                const at::Tensor& initial_a, const at::Tensor& initial_b,
                                double scale);

}  // namespace telora
