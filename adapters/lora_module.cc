#include "adapters/lora_module.h"

#include <fmt/format.h>

#include "adapters/dora_linear.h"
#include "adapters/lora_linear.h"
#include "adapters/residual_lora_linear.h"
#include "backbone/torch.h"
#include "core/error.h"

namespace telora {

namespace {

void require_lengths(const at::Tensor& lengths, const std::string& module) {
  const at::Tensor zero = lengths.eq(0);
  if (!zero.any().item<bool>()) return;
  fail(ErrorKind::kData, {"adapter", module},
       fmt::format("row {} of the weight and its adapter is zero",
                   zero.nonzero()[0][0].item<int64_t>()),
       "rows with a length, by which DoRA divides", "leave this module out of target_modules");
}

}  // namespace

at::Tensor row_lengths(const at::Tensor& weight) {
  return at::linalg_vector_norm(weight, 2, {1}, false, at::kDouble);
}

void LoraModule::set_base(const Linear& base) {
  if (!magnitude.defined()) return;
  const at::NoGradGuard no_gradient;
  row_squares_ = row_lengths(base.weight()).square();
  norms_ = at::Tensor();
  require_lengths(norms(base), name);
}

// While answers are generated, nothing changes from token to token; in training everything does.
at::Tensor LoraModule::norms(const Linear& base) {
  const auto version = static_cast<uint64_t>(a._version());
  if (norms_.defined() && version == norms_version_) return norms_;
  norms_ = dora_norms(base.weight(), row_squares_, a, b, scale);
  norms_version_ = version;
  return norms_;
}

at::Tensor LoraModule::forward(const at::Tensor& x, const Linear& base) {
  if (magnitude.defined()) {
    return dora_linear(x, base.weight(), base.bias, a, b, magnitude, norms(base), scale, dropout);
  }
  if (!initial_a.defined()) return lora_linear(x, base.weight(), base.bias, a, b, scale, dropout);
  if (dropout.active()) {
    fail(ErrorKind::kInternal, {"adapter", name}, "dropout", "none beside an initial pair");
  }
  return residual_lora_linear(x, base.weight(), base.bias, a, b, initial_a, initial_b, scale);
}

}  // namespace telora
