#pragma once

#include "backbone/block_attention.h"

// Private to the kernel sources: attention in blocks whose products are of pairs of bfloat16.
// Probabilities and their gradients are rounded to bfloat16 before they are multiplied; scores,
// exponentials and sums are binary32.
namespace telora::kernels {

// Whether it is worth it here. Off and on for tests.
bool multiplies_pairs();
void set_multiplies_pairs(bool wanted);

int64_t pairs_forward_scratch_floats(const AttentionBlock& block);
int64_t pairs_backward_scratch_floats(const AttentionBlock& block);

void attend_block_pairs(const Bf16* q, const Bf16* k, const Bf16* v, const AttentionBlock& block,
                        Bf16* out, float* log_sum, int64_t log_sum_stride, float* scratch);
void attend_block_pairs_backward(const AttentionInputs& in, const AttentionBlock& block,
                                 const AttentionOutputs& out, float* scratch);

}  // namespace telora::kernels
