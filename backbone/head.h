#pragma once

#include <ATen/core/Tensor.h>

namespace telora {

// scale * x head': x [n, D] float32, head [V, D] float32 -> logits [n, V]. On the CPU a row's
// logits have the same bits whatever rows stand beside it.
at::Tensor head_logits(const at::Tensor& x, const at::Tensor& head, double scale);

// scale * dlogits head: [n, V] -> [n, D] float32.
at::Tensor head_gradient(const at::Tensor& dlogits, const at::Tensor& head, double scale);

}  // namespace telora
