#include "train/adamw.h"

#include <cmath>

#include "backbone/kernels.h"
#include "backbone/parallel.h"
#include "backbone/tensor_ops.h"
#include "backbone/torch.h"

namespace telora {

AdamW::AdamW(AdamWSettings settings, const at::Tensor& parameters, std::vector<RateSpan> rates)
    : first_moment(at::zeros_like(parameters)),
      second_moment(at::zeros_like(parameters)),
      settings_(settings),
      rates_(std::move(rates)) {
  if (rates_.empty()) rates_ = {{0, parameters.numel(), 1.0}};
}

void AdamW::update(const at::Tensor& parameters, const at::Tensor& gradients, double learning_rate,
                   double gradient_scale, int64_t step) {
  const auto count = static_cast<double>(step);
  kernels::AdamWStep values{
      .learning_rate = 0,
      .beta1 = static_cast<float>(settings_.beta1),
      .beta2 = static_cast<float>(settings_.beta2),
      .epsilon = static_cast<float>(settings_.epsilon),
      .weight_decay = static_cast<float>(settings_.weight_decay),
      .correction1 = static_cast<float>(1.0 - std::pow(settings_.beta1, count)),
      .correction2 = static_cast<float>(1.0 - std::pow(settings_.beta2, count)),
      .gradient_scale = static_cast<float>(gradient_scale),
  };
  for (const RateSpan& span : rates_) {
    values.learning_rate = static_cast<float>(learning_rate * span.factor);
    if (!parameters.is_cpu()) {
      const auto part = [&](const at::Tensor& x) { return x.narrow(0, span.begin, span.count); };
      tensor_ops::adamw(values, part(gradients), part(parameters), part(first_moment),
                        part(second_moment));
      continue;
    }
    parallel_for(span.begin, span.begin + span.count, 1 << 14, [&](int64_t begin, int64_t end) {
      kernels::adamw(values, gradients.data_ptr<float>() + begin,
                     parameters.data_ptr<float>() + begin, first_moment.data_ptr<float>() + begin,
                     second_moment.data_ptr<float>() + begin, end - begin);
    });
  }
  // The kernel writes past LibTorch.
  if (parameters.is_cpu()) parameters.unsafeGetTensorImpl()->bump_version();
}

}  // namespace telora
