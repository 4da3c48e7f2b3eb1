#pragma once

#include <ATen/core/Tensor.h>

#include "backbone/decoder_spec.h"
#include "backbone/ops.h"

namespace telora {

// The operations between matrix products without autograd: what the nodes of ops.h and the fused
// blocks call. float32 or bfloat16, contiguous; statistics in float32.

struct Normed {
  at::Tensor y;        // [T, D]
  at::Tensor inv_rms;  // [T] float32
};
// RMSNorm of x [T, D].
Normed rms_norm_forward(const at::Tensor& x, const at::Tensor& weight, double eps);
// Its gradient with respect to x, plus `add` [T, D] unless that is undefined.
at::Tensor rms_norm_backward(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& weight,
                             const at::Tensor& inv_rms, const at::Tensor& add = {});

// act(gate) * up, all [T, I].
at::Tensor gate_forward(Activation activation, const at::Tensor& gate, const at::Tensor& up);
struct GateBackward {
  at::Tensor dgate, dup;
  at::Tensor y;  // act(gate) * up again
};
GateBackward gate_backward(Activation activation, const at::Tensor& dy, const at::Tensor& gate,
                           const at::Tensor& up);

// Rotate-half RoPE of x [T, heads * head_dim] float32 or bfloat16, by the angles or back.
enum class Turn { kForward, kBack };
at::Tensor rotated(const at::Tensor& x, const RopeAngles& angles, int64_t head_dim, Turn turn);

}  // namespace telora
