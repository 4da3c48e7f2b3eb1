#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>

#include "backbone/low_rank.h"
#include "backbone/packed_matrix.h"

namespace telora {

struct Linear;
class DeltaChoice;

// What an adapter adds to a frozen linear. forward() returns the sum, so that it can be fused.
class LinearDelta {
 public:
  virtual ~LinearDelta() = default;
  // x [T, in] -> W x + b + delta(x) [T, out], in x's dtype.
  virtual at::Tensor forward(const at::Tensor& x, const Linear& base) = 0;
  // The pair, if forward() is W x + b + scale * B A dropout(x) and nothing else: then it may be
  // computed together with what stands around it.
  virtual const LowRank* low_rank() const { return nullptr; }
  // Several deltas, if each row of a pass takes one of them.
  virtual const DeltaChoice* choice() const { return nullptr; }
};

// A frozen y = W x + b with one slot for a delta. The slot is a plain pointer: attach and swap cost
// nothing.
struct Linear {
  std::string name;                            // "model.layers.0.self_attn.q_proj"
  std::shared_ptr<const FrozenMatrix> matrix;  // W, in the type products are made in
  at::Tensor bias = {};                        // [out] or undefined
  LinearDelta* delta = nullptr;

  const at::Tensor& weight() const { return matrix->plain(); }  // [out, in]
  at::Tensor plain(const at::Tensor& x) const;                  // W x + b, in x's dtype
  at::Tensor forward(const at::Tensor& x) const;  // with the delta, if one is attached
};

}  // namespace telora
