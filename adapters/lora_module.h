#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "backbone/dropout.h"
#include "backbone/linear.h"

namespace telora {

// The adapter of one linear: plain LoRA, DoRA where it has magnitudes, PiSSA or OLoRA where it
// has an initial pair. Its tensors are views of the adapter's flat buffers.
class LoraModule : public LinearDelta, public LowRank {
 public:
  at::Tensor forward(const at::Tensor& x, const Linear& base) override;
  const LowRank* low_rank() const override {
    const bool refused = initial_a.defined() && dropout.active();
    return magnitude.defined() || refused ? nullptr : this;
  }

  // Called once before the first forward. Throws Error(data) if DoRA meets a weight with a row of
  // zeros, by whose length it would divide.
  void set_base(const Linear& base);

  std::string name;
  at::Tensor magnitude;  // [out] float32 of DoRA, otherwise undefined

 private:
  at::Tensor norms(const Linear& base);

  at::Tensor row_squares_;      // [out] float64, squared lengths of the base weight's rows
  at::Tensor norms_;            // [out] of the last norms() without gradient
  uint64_t norms_version_ = 0;  // of the flat buffer then
};

// Lengths of the rows of a weight [out, in]: [out] float64.
at::Tensor row_lengths(const at::Tensor& weight);

}  // namespace telora
