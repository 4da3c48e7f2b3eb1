#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace telora {

// Dropout on the input of one LoRA pair. The mask is a pure function of key and position.
struct LoraDropout {
  double p = 0;           // 0 = off
  uint64_t key = 0;       // of the module's random stream
  uint64_t position = 0;  // tokens this run has trained on before this pass
  bool active() const { return p > 0; }
};

// y = W x + b + scale * B (A dropout(x)) as one autograd node (Hu et al., LoRA, 2021), W and b
// frozen. x [T, in]; weight [out, in]; a [r, in] and b [out, r] float32, used in x's dtype; returns
// [T, out].
at::Tensor lora_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                       const at::Tensor& a, const at::Tensor& b, double scale,
                       const LoraDropout& dropout);

}  // namespace telora
