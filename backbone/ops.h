#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "backbone/packed_rows.h"

// The operations between matrix products, each one autograd node with a hand-written gradient for
// frozen weights. float32 and bfloat16; statistics and sums in float32.
namespace telora {

// RMSNorm of the last axis (Zhang & Sennrich 2019): x [T, D], weight [D] frozen.
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps);

// silu(gate) * up, both [T, I].
at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up);

// gelu(gate) * up with the tanh form of GELU (Hendrycks & Gimpel 2016).
at::Tensor geglu(const at::Tensor& gate, const at::Tensor& up);

// Angles of rotary embedding for each token of a batch.
struct RopeAngles {
  at::Tensor cosine;  // [T, dim / 2] float32
  at::Tensor sine;
};

struct AttentionShape {
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  double scale = 0;    // multiplies q.k
  int64_t window = 0;  // keys that a query sees, its own included; 0 = all before it
};

// Rotate-half RoPE of x [T, heads * head_dim].
at::Tensor rotate(const at::Tensor& x, const RopeAngles& angles, int64_t head_dim);

// Block-diagonal causal attention of packed rows, RoPE included. q [T, H*d], k and v [T, K*d]
// before rotation; returns [T, H*d]. Differentiable: each token is then a query and an own key of
// one segment.
at::Tensor packed_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const RopeAngles& angles, const std::vector<AttentionSegment>& segments,
                            const AttentionShape& shape);

// The same over rotated queries [Tq, H*d] and a pool of rotated keys and values [N, K*d].
at::Tensor pool_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                          const std::vector<AttentionSegment>& segments,
                          const AttentionShape& shape);

// Sum over rows of -log softmax(head hidden_i)[target_i] in float32 (natural log), in chunks so
// that the [n, V] logits never exist at once. hidden [n, D]; head [V, D] float32 frozen; targets
// [n] int64. Scalar.
at::Tensor cross_entropy_sum(const at::Tensor& hidden, const at::Tensor& head, double logit_scale,
                             const at::Tensor& targets);

}  // namespace telora
