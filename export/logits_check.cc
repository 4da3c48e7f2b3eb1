#include "export/logits_check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "backbone/torch.h"
#include "core/error.h"

namespace telora {

namespace {

void require_finite(const at::Tensor& logits, const char* which) {
  if (logits.isfinite().all().item<bool>()) return;
  fail(ErrorKind::kData, {"logits", which}, "NaN or infinity", "finite numbers",
       "the weights are damaged or overflow");
}

}  // namespace

LogitsAgreement compare_logits(const at::Tensor& found, const at::Tensor& wanted) {
  if (found.sizes() != wanted.sizes() || found.dim() != 2 || found.numel() == 0) {
    fail(ErrorKind::kInternal, {"logits", {}}, fmt::format("[{}]", fmt::join(found.sizes(), ", ")),
         fmt::format("[{}]", fmt::join(wanted.sizes(), ", ")));
  }
  require_finite(found, "found");
  require_finite(wanted, "wanted");
  const at::Tensor apart = (found - wanted).abs();
  const at::Tensor log_wanted = at::log_softmax(wanted.to(at::kDouble), 1);
  const at::Tensor log_found = at::log_softmax(found.to(at::kDouble), 1);
  LogitsAgreement result{.tokens = found.size(0)};
  result.largest = apart.max().item<double>();
  const auto greatest = wanted.abs().max().item<double>();
  result.relative = greatest > 0 ? result.largest / greatest : result.largest;
  result.mean = apart.mean(at::kDouble).item<double>();
  result.divergence =
      std::max(0.0, (log_wanted.exp() * (log_wanted - log_found)).sum(1).mean().item<double>());
  result.argmax = found.argmax(1).eq(wanted.argmax(1)).to(at::kDouble).mean().item<double>();
  return result;
}

LogitsAgreement joined(const LogitsAgreement& a, const LogitsAgreement& b) {
  const auto tokens = static_cast<double>(a.tokens + b.tokens);
  const auto mean = [&](double LogitsAgreement::*value) {
    if (tokens == 0) return 0.0;
    return (a.*value * static_cast<double>(a.tokens) + b.*value * static_cast<double>(b.tokens)) /
           tokens;
  };
  return {.tokens = a.tokens + b.tokens,
          .largest = std::max(a.largest, b.largest),
          .relative = std::max(a.relative, b.relative),
          .mean = mean(&LogitsAgreement::mean),
          .divergence = mean(&LogitsAgreement::divergence),
          .argmax = mean(&LogitsAgreement::argmax)};
}

}  // namespace telora
