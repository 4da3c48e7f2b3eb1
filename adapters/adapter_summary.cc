#include "adapters/adapter_summary.h"

#include <cmath>

#include "backbone/torch.h"

namespace telora {

namespace {

// Singular values of B * A, [rank], from the triangular factors of B and of A transposed: the
// orthogonal factors do not change them.
at::Tensor singular_values(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor left = std::get<1>(at::linalg_qr(b.to(at::kDouble), "r"));
  const at::Tensor right = std::get<1>(at::linalg_qr(a.to(at::kDouble).t(), "r"));
  return at::linalg_svdvals(left.matmul(right.t())).contiguous();
}

double effective_rank(const at::Tensor& values) {
  const auto total = values.sum().item<double>();
  if (total == 0) return 0;
  double entropy = 0;
  for (int64_t i = 0; i < values.numel(); ++i) {
    const double share = values.data_ptr<double>()[i] / total;
    if (share > 0) entropy -= share * std::log(share);
  }
  return std::exp(entropy);
}

LoraModuleSummary summarise(const LoraConfig& config, const LoraTensors& tensors) {
  const at::Tensor values = singular_values(tensors.a, tensors.b);
  LoraModuleSummary summary;
  summary.module = tensors.module;
  summary.in = tensors.a.size(1);
  summary.out = tensors.b.size(0);
  summary.rank = tensors.a.size(0);
  summary.scale = lora_scale(config, tensors.module);
  summary.norm = std::abs(summary.scale) * values.norm().item<double>();
  summary.spectral_norm = std::abs(summary.scale) * values.max().item<double>();
  summary.effective_rank = effective_rank(values);
  if (summary.norm > 0) {
    const double share = summary.spectral_norm / summary.norm;
    summary.top_share = share * share;
  }
  if (tensors.magnitude.defined()) {
    summary.magnitudes = tensors.magnitude.numel();
    summary.magnitude_low = tensors.magnitude.min().item<double>();
    summary.magnitude_high = tensors.magnitude.max().item<double>();
  }
  return summary;
}

}  // namespace

std::vector<LoraModuleSummary> summarise_adapter(const AdapterFile& adapter) {
  const at::NoGradGuard no_gradient;
  std::vector<LoraModuleSummary> all;
  for (const LoraTensors& tensors : adapter.modules) {
    all.push_back(summarise(adapter.config, tensors));
  }
  return all;
}

}  // namespace telora
