#include "export/change_check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "backbone/gguf_names.h"
#include "backbone/torch.h"
#include "core/error.h"

namespace telora {

namespace {

constexpr double kStrength = 0.02;  // of the factor; far less than any fault of a known kind
constexpr double kErrors = 6;       // standard errors that are chance

double sum_of_products(const at::Tensor& a, const at::Tensor& b) {
  return a.to(at::kDouble).mul(b).sum().item<double>();
}

// The rows as they are where a file of the format is read without undoing its order.
at::Tensor in_other_order(const at::Tensor& wanted, int64_t head_dim) {
  at::Tensor rows = at::empty({wanted.size(0)}, at::kLong);
  auto* index = rows.mutable_data_ptr<int64_t>();
  for (int64_t row = 0; row < wanted.size(0); ++row) index[row] = gguf_row(row, head_dim);
  return wanted.index_select(0, rows);
}

// Correlation of the two, from -1 to 1.
double likeness(const ChangeFit& fit) { return fit.factor / std::hypot(fit.factor, fit.left); }

// Whether the change is much more like what it would be in the other order of rows: one that a file
// should have and has not, or the reverse.
bool is_reordered(const at::Tensor& found, const at::Tensor& wanted, int64_t head_dim) {
  const double straight = likeness(fit_change(found, wanted));
  const double written = likeness(fit_change(found, in_other_order(wanted, head_dim)));
  const double read = likeness(fit_change(in_other_order(found, head_dim), wanted));
  const double chance = kErrors / std::sqrt(static_cast<double>(found.numel()));
  return std::max(written, read) > std::max(2 * straight, 0.0) + chance;
}

std::string strength_words(double factor, int64_t rank) {
  const double root = std::sqrt(static_cast<double>(rank));
  const auto near = [&](double value) { return std::abs(factor / value - 1) < 0.05; };
  std::string words = fmt::format("acts {:.3g} times as strongly as trained", factor);
  if (rank > 1 && near(1 / root)) words += fmt::format(" (1 / √{}: rsLoRA was ignored)", rank);
  if (rank > 1 && near(root)) words += fmt::format(" (√{}: rsLoRA was applied twice)", rank);
  return words;
}

}  // namespace

ChangeFit fit_change(const at::Tensor& found, const at::Tensor& wanted) {
  const double squares = sum_of_products(wanted, wanted);
  if (found.sizes() != wanted.sizes() || squares == 0) {
    fail(ErrorKind::kInternal, {"change", {}},
         fmt::format("[{}] against [{}]", fmt::join(found.sizes(), ", "),
                     fmt::join(wanted.sizes(), ", ")),
         "two of one shape, the wanted one not zero");
  }
  ChangeFit fit{.factor = sum_of_products(found, wanted) / squares};
  const double left =
      std::max(0.0, sum_of_products(found, found) - fit.factor * fit.factor * squares);
  fit.left = std::sqrt(left / squares);
  fit.error = fit.left / std::sqrt(static_cast<double>(found.numel()));
  return fit;
}

std::string change_fault(const at::Tensor& found, const at::Tensor& wanted,
                         const CheckedModule& module, double rounding) {
  if (sum_of_products(found, found) == 0) return "changes nothing";
  const ChangeFit fit = fit_change(found, wanted);
  if (std::abs(fit.factor - 1) <= kStrength + kErrors * fit.error && fit.left <= rounding)
    return {};
  if (module.reordered_head > 0 && is_reordered(found, wanted, module.reordered_head)) {
    return "has its rows in the wrong order: GGUF pairs rows 2j and 2j+1 of a head, Hugging Face j "
           "and j + half a head";
  }
  if (fit.left <= std::max(rounding, kStrength * std::abs(fit.factor))) {
    return strength_words(fit.factor, module.rank);
  }
  return fmt::format("is another change: {:.0f} % of it is not the adapter's",
                     100 * fit.left / std::hypot(fit.left, fit.factor));
}

}  // namespace telora
