#pragma once

#include <ATen/core/Tensor.h>

#include "backbone/dropout.h"

namespace telora {

// y = W x + b + scale * B (A dropout(x)) as one autograd node (Hu et al., LoRA, 2021), W and b
// frozen. x [T, in]; weight [out, in]; a [r, in] and b [out, r] float32, used in x's dtype; returns
// [T, out].
at::Tensor lora_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                       const at::Tensor& a, const at::Tensor& b, double scale,
                       const LoraDropout& dropout);

}  // namespace telora
