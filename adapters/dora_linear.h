#pragma once

#include <ATen/core/Tensor.h>

#include "backbone/dropout.h"

namespace telora {

// DoRA (Liu et al. 2024): each row of W + scale * B A is given the length m, a trained magnitude.

// Lengths of the rows of W + scale * B A, [out] float32, without forming it: |w|^2 + 2 scale (w A')
// b + scale^2 b (A A') b' for a row w and its row b of B. weight [out, in]; row_squares [out]
// float64 are the |w|^2; a [r, in], b [out, r] float32. A row without length gives 0.
at::Tensor dora_norms(const at::Tensor& weight, const at::Tensor& row_squares, const at::Tensor& a,
                      const at::Tensor& b, double scale);

// y = W x + b + (m / n - 1) W x~ + m / n * scale * B (A x~) with x~ = dropout(x) as one autograd
// node, W, b and n frozen: as PEFT has it, the gradient does not pass through the norms. x [T, in];
// magnitude (m) and norms (n) [out] float32; the rest and the result as in lora_linear().
at::Tensor dora_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                       const at::Tensor& a, const at::Tensor& b, const at::Tensor& magnitude,
                       const at::Tensor& norms, double scale, const LoraDropout& dropout);

}  // namespace telora
