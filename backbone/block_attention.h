#pragma once

#include <cstdint>

#include "backbone/kernels.h"

// Attention of one row of queries with one key head, block by block, so that no more than a block
// of probabilities exists at a time (Dao et al., FlashAttention, arXiv 2205.14135). Products and
// sums are binary32 whatever the element type. All query heads that share the key head are done
// together. Tensors are [tokens, heads * dim], contiguous, queries and keys rotated.
namespace telora::kernels {

// What one call works on.
struct AttentionBlock {
  int64_t heads, kv_heads, dim;  // of the tensors
  int64_t kv_head;
  float scale;     // of q.k
  int64_t window;  // keys that a query sees, its own included; 0: all before it
  // The row: its queries are the last of its keys, which the prefix' keys stand before.
  int64_t query_begin, query_count;
  int64_t prefix_begin, prefix_count;
  int64_t key_begin, key_count;

  int64_t group() const { return heads / kv_heads; }
  int64_t keys() const { return prefix_count + key_count; }
};

// Queries that one forward call takes at most: bounds its working memory.
constexpr int64_t kQueryBlock = 32;
// Bytes of working memory that a call needs, from the caller, so that none is allocated.
int64_t forward_scratch_floats(const AttentionBlock& block);
int64_t backward_scratch_floats(const AttentionBlock& block);

// out = softmax(scale * q k') v and log_sum = log of the sum of exponentials, [heads, tokens] with
// `log_sum_stride` between heads, of the block's queries.
void attend_block(const float* q, const float* k, const float* v, const AttentionBlock& block,
                  float* out, float* log_sum, int64_t log_sum_stride, float* scratch);
void attend_block(const Bf16* q, const Bf16* k, const Bf16* v, const AttentionBlock& block,
                  Bf16* out, float* log_sum, int64_t log_sum_stride, float* scratch);

// Gradients from dout: dq of the block's queries is written; dk and dv of its own keys are written
// to the tensors' rows (key head's columns), those of the prefix' keys to `prefix_dk` and
// `prefix_dv` [prefix_count, dim], which belong to this call alone. All binary32.
struct AttentionInputs {
  const void *q, *k, *v, *out, *dout;
  const float* log_sum;
  int64_t log_sum_stride;
};
struct AttentionOutputs {
  float *dq, *dk, *dv;  // [tokens, heads * dim] and [tokens, kv_heads * dim]
  float *prefix_dk, *prefix_dv;
};
void attend_block_backward(const AttentionInputs& in, bool bf16, const AttentionBlock& block,
                           const AttentionOutputs& out, float* scratch);

}  // namespace telora::kernels
