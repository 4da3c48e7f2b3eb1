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

// x [T, width] with a share p of its elements zero and the rest divided by 1 - p; x itself if off.
// Its own adjoint: the gradient with respect to x is drop(gradient).
at::Tensor drop(const at::Tensor& x, const LoraDropout& dropout);

}  // namespace telora
