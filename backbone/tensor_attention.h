#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "backbone/ops.h"

// The parts of attention outside the processor's memory. A row's keys lie in two stretches, its own
// and those of a prefix. One part is done over each stretch; the two are then weighed by their sums
// of exponentials, and both gradients follow from the whole row's sum (as FlashAttention's blocks
// do, Dao et al. 2022). So neither part has to see the other's keys.
namespace telora::tensor_ops {

// Queries and one stretch of keys. Query i sees key j if j <= position + i, and with a window if
// j > position + i - window.
struct AttentionSpan {
  int64_t query_begin = 0;
  int64_t query_count = 0;
  int64_t key_begin = 0;
  int64_t key_count = 0;
  int64_t position = 0;  // of the first query, counted from the first key
  bool operator==(const AttentionSpan&) const = default;
};
using AttentionSpans = std::vector<AttentionSpan>;

// Each row with its own keys: the queries are the last of them.
AttentionSpans own_spans(const std::vector<AttentionSegment>& segments);

// Rows with the keys of their prefix, none for rows without. Neighbours that share one are one span
// unless a window makes them see different parts of it.
AttentionSpans prefix_spans(const std::vector<AttentionSegment>& segments, int64_t window);

// Of queries [Tq, H, d]. Queries of no span have zeros and -inf.
struct Attended {
  at::Tensor out;      // [Tq, H, d] float32, or q's type where the device's own attention served
  at::Tensor log_sum;  // [H, Tq] float32, log of the sum of exponentials
};

// What gradients are added to, float32: [Tq, H, d], [N, K, d], [N, K, d].
struct AttentionSums {
  at::Tensor dq, dk, dv;
};

// Written out, span by span, in float32: k and v [N, K, d], shape.window included.
Attended attend_plainly(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                        const AttentionSpans& spans, const AttentionShape& shape);

// What the backward pass starts from: the row's whole output and log_sum.
struct AttentionResult {
  at::Tensor q, k, v, out, log_sum, dout;
};
void attend_plainly_backward(const AttentionResult& result, const AttentionSpans& spans,
                             const AttentionShape& shape, AttentionSums& sums);

}  // namespace telora::tensor_ops
