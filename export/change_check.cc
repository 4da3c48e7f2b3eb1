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
at::Tensor in_other_order(const at::Tensor& rows, int64_t head_dim) {
  at::Tensor order = at::empty({rows.size(0)}, at::kLong);
  auto* index = order.mutable_data_ptr<int64_t>();
  for (int64_t row = 0; row < rows.size(0); ++row) index[row] = gguf_row(row, head_dim);
  return rows.index_select(0, order);
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

double ChangeFit::likeness() const {
  const double size = std::hypot(factor, left);
  return size > 0 ? factor / size : 0;
}

void ChangeCheck::add(const at::Tensor& found, const at::Tensor& wanted) {
  if (found.sizes() != wanted.sizes()) {
    fail(ErrorKind::kInternal, {"change", {}}, fmt::format("[{}]", fmt::join(found.sizes(), ", ")),
         fmt::format("[{}]", fmt::join(wanted.sizes(), ", ")));
  }
  found_ += sum_of_products(found, found);
  wanted_ += sum_of_products(wanted, wanted);
  straight_ += sum_of_products(found, wanted);
  count_ += found.numel();
  const int64_t head = module_.reordered_head;
  if (head == 0) return;
  written_ += sum_of_products(found, in_other_order(wanted, head));
  read_ += sum_of_products(in_other_order(found, head), wanted);
}

ChangeFit ChangeCheck::fit_of(double product) const {
  if (wanted_ == 0) {
    fail(ErrorKind::kInternal, {"change", {}}, "nothing wanted", "a change to compare with");
  }
  ChangeFit fit{.factor = product / wanted_};
  fit.left = std::sqrt(std::max(0.0, found_ / wanted_ - fit.factor * fit.factor));
  fit.error = fit.left / std::sqrt(static_cast<double>(count_));
  return fit;
}

// Whether the change is much more like what it would be in the other order of rows: one that a file
// should have and has not, or the reverse.
bool ChangeCheck::is_reordered() const {
  if (module_.reordered_head == 0) return false;
  const double straight = fit().likeness();
  const double other = std::max(fit_of(written_).likeness(), fit_of(read_).likeness());
  const double chance = kErrors / std::sqrt(static_cast<double>(count_));
  return other > std::max(2 * straight, 0.0) + chance;
}

std::string ChangeCheck::fault(double rounding, double expected) const {
  if (found_ == 0) return "changes nothing";
  const ChangeFit fit = this->fit();
  if (std::abs(fit.factor - expected) <= kStrength + kErrors * fit.error && fit.left <= rounding)
    return {};
  if (is_reordered()) {
    return "has its rows in the wrong order: GGUF pairs rows 2j and 2j+1 of a head, Hugging Face j "
           "and j + half a head";
  }
  if (fit.left <= std::max(rounding, kStrength * std::abs(fit.factor))) {
    return strength_words(fit.factor, module_.rank);
  }
  return fmt::format("is another change: {:.0f} % of it is not the adapter's",
                     100 * std::sqrt(1 - fit.likeness() * fit.likeness()));
}

}  // namespace telora
