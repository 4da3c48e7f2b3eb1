#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "backbone/attention.h"
#include "backbone/decoder_layer.h"
#include "backbone/decoder_spec.h"
#include "backbone/linear_group.h"
#include "backbone/ops.h"

namespace telora {

// What a block reads besides its input.
struct BlockRows {
  RopeAngles angles;  // of all tokens
  // Keys count from the first of `prefix_keys`, which the tokens' own follow.
  std::vector<AttentionSegment> segments;
  at::Tensor prefix_keys, prefix_values;  // [P, K*d] float32, rotated; undefined: none
  // Instead, for a pass without gradient: the pool that keys index, and where the tokens' own go.
  at::Tensor cache_keys, cache_values;  // [slots, K*d]
  at::Tensor write_slots;               // [T] int64
  // The tokens that go on behind the attention, ascending, with their angles; undefined: all. None
  // at all if only keys and values are wanted.
  at::Tensor queries;  // [n] int64
  // Which adapter all tokens take, and those that go on, where several are attached.
  std::vector<ChoiceRun> choices, query_choices;
  RopeAngles query_angles;
};

// One block, forward and backward by hand: what is cheap to make again (norms, activations,
// dropped inputs) is not kept. LoRA pairs are part of it. Not seen by autograd.
class FusedBlock {
 public:
  // spec and layer must outlive the block.
  FusedBlock(const DecoderSpec& spec, const DecoderLayer& layer, const AttentionShape& shape,
             BlockRows rows);

  // True if every linear of the layer is free or has a plain LoRA pair.
  static bool fits(const DecoderLayer& layer);

  // Undefined where the family has no such step.
  struct Saved {
    at::Tensor x;                         // [T, D]
    at::Tensor q, k;                      // before their norms
    at::Tensor rotated_q, keys, values;   // pools [P + T, K*d]
    Attended attended;                    // of the queries
    at::Tensor mixed, x2, gate, up, mlp;  // mixed, mlp: before their norms; x2: between the halves
    at::Tensor low_qkv, low_q, low_o, low_gate_up, low_down;
  };
  struct Output {
    at::Tensor y;             // [T or n, D]; undefined if there are no queries
    at::Tensor keys, values;  // [T, K*d] of the tokens, keys rotated
  };
  Output forward(const at::Tensor& x, Saved& saved) const;

  struct Gradients {
    at::Tensor x;                           // [T, D]; undefined if not wanted
    at::Tensor prefix_keys, prefix_values;  // float32
    std::vector<at::Tensor> parameters;     // as parameters()
  };
  // Gradients of y, keys and values; each may be undefined.
  Gradients backward(const Output& gradients, const Saved& saved, bool want_x) const;

  // A and B of every pair of the block.
  std::vector<at::Tensor> parameters() const;

 private:
  struct QueryKeyValue {
    at::Tensor q, k, v;
  };
  bool all_queries() const { return !rows_.queries.defined(); }
  bool no_queries() const { return !all_queries() && rows_.queries.numel() == 0; }
  at::Tensor normed(const at::Tensor& x, const at::Tensor& weight) const;
  at::Tensor norm_gradient(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& weight,
                           const at::Tensor& add = {}) const;
  at::Tensor head_normed(const at::Tensor& x, const at::Tensor& weight) const;
  at::Tensor head_norm_gradient(const at::Tensor& dy, const at::Tensor& x,
                                const at::Tensor& weight) const;
  QueryKeyValue project(const at::Tensor& x, Saved& saved) const;
  at::Tensor add_branch(const at::Tensor& x, const LinearGroup& group, const at::Tensor& in,
                        const at::Tensor& low, const at::Tensor& norm, at::Tensor& kept) const;
  at::Tensor branch_gradient(const at::Tensor& dy, const at::Tensor& kept,
                             const at::Tensor& norm) const;
  at::Tensor mlp_forward(const at::Tensor& x2, Saved& saved) const;
  at::Tensor mlp_backward(const at::Tensor& dy, const Saved& saved, Gradients& gradients) const;
  at::Tensor attend(const QueryKeyValue& rotated, Saved& saved) const;
  QueryKeyValue attend_backward(const at::Tensor& dx2, const Output& outside, const Saved& saved,
                                Gradients& gradients) const;
  at::Tensor project_backward(const QueryKeyValue& d, const at::Tensor& dx2, const Saved& saved,
                              bool want_x, Gradients& gradients) const;

  const DecoderSpec& spec_;
  const DecoderLayer& layer_;
  AttentionShape shape_;
  BlockRows rows_;
  LinearGroup qkv_, q_, kv_, o_, gate_up_, down_;
};

}  // namespace telora
