#pragma once

#include <ATen/core/Tensor.h>

#include "backbone/low_rank.h"

namespace telora {

// y = W x + b + what residual_pair() adds, as one autograd node with gradients for x, a and b. x
// [T, in]; a, initial_a [r, in] and b, initial_b [out, r] float32; the rest as in lora_linear().
at::Tensor residual_lora_linear(const at::Tensor& x, const at::Tensor& weight,
                                const at::Tensor& bias, const at::Tensor& a, const at::Tensor& b,
                                const at::Tensor& initial_a, const at::Tensor& initial_b,
                                double scale);

}  // namespace telora
