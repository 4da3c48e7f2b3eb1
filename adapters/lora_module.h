#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "adapters/lora_dropout.h"
#include "backbone/linear.h"

namespace telora {

// The adapter of one linear: plain LoRA, DoRA where it has magnitudes, PiSSA or OLoRA where it
// has an initial pair. Its tensors are views of the adapter's flat buffers.
class LoraModule : public LinearDelta {
 public:
  at::Tensor forward(const at::Tensor& x, const Linear& base) override;

  // Called once before the first forward. Throws Error(data) if DoRA meets a weight with a row of
  // zeros, by whose length it would divide.
  void set_base(const Linear& base);

  std::string name;
  at::Tensor a;          // [r, in] float32
  at::Tensor b;          // [out, r] float32
  at::Tensor magnitude;  // [out] float32 of DoRA, otherwise undefined
  at::Tensor initial_a;  // what A and B were taken out of the weight as; otherwise undefined
  at::Tensor initial_b;
  double scale = 1;
  LoraDropout dropout;  // p stays 0 outside training passes

 private:
  at::Tensor norms(const Linear& base);

  at::Tensor row_squares_;      // [out] float64, squared lengths of the base weight's rows
  at::Tensor norms_;            // [out] of the last norms() without gradient
  uint64_t norms_version_ = 0;  // of the flat buffer then
};

// Lengths of the rows of a weight [out, in]: [out] float64.
at::Tensor row_lengths(const at::Tensor& weight);

}  // namespace telora
