#pragma once

#include <ATen/core/Tensor.h>

#include <span>
#include <vector>

#include "backbone/delta_choice.h"
#include "backbone/linear.h"
#include "backbone/product.h"

namespace telora {

// Linears that read the same rows (query, key and value; gate and up; or one alone) with the plain
// LoRA pairs attached to them, forward and backward by hand. Nothing here is seen by autograd.
class LinearGroup {
 public:
  // The linears must outlive the group; can_fuse() must hold for each. `runs`: which adapter the
  // rows take, read where a linear has several.
  explicit LinearGroup(std::vector<const Linear*> linears, std::span<const ChoiceRun> runs = {});

  // True if the linear has no adapter, or one that is a LoRA pair, or several of that kind.
  static bool can_fuse(const Linear& linear);

  // scale * A dropout(x) of all pairs side by side, each begun at an even column: [T, sum of
  // ranks], undefined without pairs. What the gradients need besides x.
  at::Tensor low(const at::Tensor& x) const;

  // W x + b + scale * B A dropout(x) of each linear: [T, out] in x's type; `low` from low(x).
  std::vector<at::Tensor> forward(const at::Tensor& x, const at::Tensor& low) const;
  // Of a group of one: add + factor * that, for add [T, out].
  at::Tensor forward_onto(const at::Tensor& x, const at::Tensor& low, const at::Tensor& add,
                          double factor) const;

  // From dy, one [T, out] for each linear: the gradient of A dropout(x), as low() is laid out.
  // Throws Error(internal) where rows take different adapters.
  at::Tensor low_gradient(std::span<const at::Tensor> dy) const;
  // The gradient of x: [T, in].
  at::Tensor input_gradient(std::span<const at::Tensor> dy, const at::Tensor& dlow) const;
  // A [r, in] and B [out, r] float32 of each pair, in the order of parameters().
  std::vector<at::Tensor> parameter_gradients(const at::Tensor& x, std::span<const at::Tensor> dy,
                                              const at::Tensor& low, const at::Tensor& dlow) const;

  // A and B of each pair, one after the other.
  std::vector<at::Tensor> parameters() const;

 private:
  struct Pair {
    const LowRank* low_rank;
    LoraDropout dropout;  // as it was: the backward pass may come after the next forward pass
    int64_t begin = 0;    // of its columns in what low() returns
    int64_t rank = 0;     // rounded up to an even number
    std::vector<ChoiceRun> rows;  // that take it; empty: all
  };
  struct Member {
    const Linear* linear;
    std::vector<Pair> pairs;  // none or one; where there is a choice, those that rows take
  };
  void add_pair(Member& member, const LowRank* low_rank, std::vector<ChoiceRun> rows);
  void add_choices(Member& member, const DeltaChoice& choice, std::span<const ChoiceRun> runs);
  at::Tensor output(const Member& member, const at::Tensor& x, const at::Tensor& low,
                    const at::Tensor& add, double factor) const;
  at::Tensor dropped_gradient(const at::Tensor& dlow, at::ScalarType type) const;
  at::Tensor stacked_a() const;
  bool drops() const;
  bool chooses() const;

  std::vector<Member> members_;
  int64_t ranks_ = 0;
  ProductKind kind_;
};

}  // namespace telora
