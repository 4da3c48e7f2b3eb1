#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "backbone/ops.h"

namespace telora {

// Attention of packed rows without autograd. Queries q [Tq, H*d] and keys k [N, K*d] are rotated;
// k and v may hold more rows than the segments name.
struct Attended {
  at::Tensor out;      // [Tq, H*d]
  at::Tensor log_sum;  // [H, Tq] float32: log of the sum of exponentials
};
Attended attention_forward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                           const std::vector<AttentionSegment>& segments,
                           const AttentionShape& shape);

// Gradients with respect to the rotated q and k and to v, float32. A prefix' keys get the sum over
// all rows that read them; rows that no segment names get zero.
struct AttentionGradients {
  at::Tensor dq, dk, dv;
};
AttentionGradients attention_backward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                      const Attended& attended, const at::Tensor& dout,
                                      const std::vector<AttentionSegment>& segments,
                                      const AttentionShape& shape);

}  // namespace telora
