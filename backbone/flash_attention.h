#pragma once

#include "backbone/tensor_attention.h"

// FlashAttention of LibTorch for sequences of unequal length, which CUDA builds have (Dao 2023).
// Spans are laid end to end, so each call is one kernel for all rows and heads.
namespace telora::tensor_ops {

// Spans laid end to end for one call. Tensors are on the device.
struct FlashSequences {
  at::Tensor query_rows, key_rows;  // [n] int64 of batch and pool; undefined: all, in order
  at::Tensor query_ends, key_ends;  // [spans + 1] int32, sums of counts
  int64_t most_queries = 0, most_keys = 0;
  bool causal = false;  // the last query sees the last key; otherwise all queries see all keys
};

// True if the device has it and it can do this: bfloat16, heads of a multiple of 8 up to 256, no
// window over a prefix.
bool flash_serves(const at::Tensor& q, const at::Tensor& k, const AttentionSpans& prefix,
                  const AttentionShape& shape);

// `queries` and `keys` are the lengths of batch and pool. `causal`: spans are own_spans(),
// otherwise prefix_spans() without a window.
FlashSequences flash_sequences(const AttentionSpans& spans, bool causal, int64_t queries,
                               int64_t keys, at::Device device);

// As attend_plainly() and attend_plainly_backward(), over the same spans.
Attended attend_flash(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                      const FlashSequences& sequences, const AttentionShape& shape);
void attend_flash_backward(const AttentionResult& result, const FlashSequences& sequences,
                           const AttentionShape& shape, AttentionSums& sums);

}  // namespace telora::tensor_ops
