#include "backbone/low_rank.h"

#include "backbone/torch.h"

namespace telora {

ResidualPair residual_pair(const at::Tensor& a, const at::Tensor& b, const at::Tensor& initial_a,
                           const at::Tensor& initial_b) {
  const at::NoGradGuard no_gradient;
  return {at::cat({a - initial_a, a}, 0), at::cat({initial_b, b - initial_b}, 1)};
}

ResidualPair LowRank::used() const {
  return initial_a.defined() ? residual_pair(a, b, initial_a, initial_b) : ResidualPair{a, b};
}

}  // namespace telora
