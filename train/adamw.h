#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace telora {

struct AdamWSettings {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.01;
};

// A stretch of the buffer with a learning rate of its own.
struct RateSpan {
  int64_t begin = 0;
  int64_t count = 0;
  double factor = 1;  // of the learning rate
};

// AdamW (Loshchilov & Hutter 2019, as torch.optim.AdamW) fused over one flat float32 buffer.
class AdamW {
 public:
  // `rates` cover the whole buffer in order; empty = one rate for all.
  AdamW(AdamWSettings settings, const at::Tensor& parameters, std::vector<RateSpan> rates = {});

  // One update of `parameters` [N] by gradient_scale * gradients [N]; `step` counts from 1.
  void update(const at::Tensor& parameters, const at::Tensor& gradients, double learning_rate,
              double gradient_scale, int64_t step);

  at::Tensor first_moment;   // [N]
  at::Tensor second_moment;  // [N]

 private:
  AdamWSettings settings_;
  std::vector<RateSpan> rates_;
};

}  // namespace telora
