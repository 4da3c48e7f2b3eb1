#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "backbone/kernels.h"
#include "backbone/ops.h"

// The operations of ops.h and kernels.h made of LibTorch's own, for tensors outside the processor's
// memory. The same formulas over the same shapes: the public functions call these for such tensors,
// and the tests compare the two on the processor. float32 and bfloat16, differentiable where
// ops.h says so.
namespace telora::tensor_ops {

// y = w * x / sqrt(mean(x^2) + eps), rounded once at the end.
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps);

at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up);

// sine_sign -1 undoes it. No gradient.
at::Tensor rotate(const at::Tensor& x, const RopeAngles& angles, int64_t head_dim,
                  double sine_sign = 1);

at::Tensor pool_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                          const std::vector<AttentionSegment>& segments,
                          const AttentionShape& shape);

// kernels::dropout of a whole tensor, bit for bit: the same mask and the same values.
at::Tensor dropout(const at::Tensor& x, uint64_t first_block, uint64_t key, uint32_t threshold);

// kernels::adamw of float32 vectors [n], in place.
void adamw(const kernels::AdamWStep& step, const at::Tensor& gradient, at::Tensor parameter,
           at::Tensor first_moment, at::Tensor second_moment);

}  // namespace telora::tensor_ops
