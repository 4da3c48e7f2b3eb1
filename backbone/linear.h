#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace telora {

struct Linear;

// What an adapter adds to a frozen linear. forward() returns the sum, so that it can be fused.
class LinearDelta {
 public:
  virtual ~LinearDelta() = default;
  // x [T, in] -> W x + b + delta(x) [T, out], in x's dtype.
  virtual at::Tensor forward(const at::Tensor& x, const Linear& base) = 0;
};

// A frozen y = W x + b with one slot for a delta. The slot is a plain pointer: attach and swap cost
// nothing.
struct Linear {
  std::string name;   // "model.layers.0.self_attn.q_proj"
  at::Tensor weight;  // [out, in], in the type products are made in (product_type)
  at::Tensor bias;    // [out] or undefined
  LinearDelta* delta = nullptr;

  at::Tensor plain(const at::Tensor& x) const;    // W x + b, in x's dtype
  at::Tensor forward(const at::Tensor& x) const;  // with the delta, if one is attached
};

}  // namespace telora
