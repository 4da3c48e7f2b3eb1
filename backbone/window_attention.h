#pragma once

#include "backbone/ops.h"

namespace telora {

// Whether some query of these segments has more keys before it than the shape's window lets it see.
bool window_matters(const std::vector<AttentionSegment>& segments, const AttentionShape& shape);

// x [T, heads * head_dim] rotated by plain tensor operations, differentiable.
at::Tensor rotate_plain(const at::Tensor& x, const RopeAngles& angles, int64_t head_dim);

// Causal attention within a sliding window: query t sees keys u with t - window < u <= t. Rotated
// queries [Tq, H*d], rotated keys and values [N, K*d]; differentiable. One masked product a
// segment.
at::Tensor window_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const std::vector<AttentionSegment>& segments,
                            const AttentionShape& shape);

}  // namespace telora
