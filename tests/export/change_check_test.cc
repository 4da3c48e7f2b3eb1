#include "export/change_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "backbone/gguf_names.h"
#include "backbone/torch.h"
#include "core/error.h"
#include "export/logits_check.h"

namespace telora {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr CheckedModule kModule = {.rank = 16, .reordered_head = 8};

at::Tensor change() {
  at::manual_seed(1);
  return at::randn({64, 4}).mm(at::randn({4, 48})) * 0.01;
}

std::string change_fault(const at::Tensor& found, const at::Tensor& wanted,
                         const CheckedModule& module, double rounding) {
  ChangeCheck check(module);
  for (int64_t row = 0; row < found.size(0); row += 16) {  // in pieces
    check.add(found.narrow(0, row, 16), wanted.narrow(0, row, 16));
  }
  return check.fault(rounding);
}

// Rows as an exporter leaves them that forgets the order, or one that undoes it where nothing was.
at::Tensor reordered(const at::Tensor& rows, bool back) {
  at::Tensor moved = at::empty_like(rows);
  for (int64_t row = 0; row < rows.size(0); ++row) {
    const int64_t other = gguf_row(row, kModule.reordered_head);
    moved[back ? row : other].copy_(rows[back ? other : row]);
  }
  return moved;
}

TEST(ChangeFault, RoundingIsNone) {
  const at::Tensor wanted = change();
  EXPECT_THAT(change_fault(wanted, wanted, kModule, 1e-6), IsEmpty());
  EXPECT_THAT(change_fault(wanted.to(at::kHalf).to(at::kFloat), wanted, kModule, 1e-3), IsEmpty());
  // Weights of sixteen bits that the change was added to.
  const at::Tensor base = at::randn({64, 48}) * 0.1;
  const at::Tensor found = (base + wanted).to(at::kBFloat16).to(at::kFloat) - base;
  EXPECT_THAT(change_fault(found, wanted, kModule, 0.2), IsEmpty());
}

TEST(ChangeFault, NamesWhatExportersDoWrong) {
  const at::Tensor wanted = change();
  EXPECT_EQ(change_fault(at::zeros_like(wanted), wanted, kModule, 0.1), "changes nothing");
  EXPECT_THAT(change_fault(wanted / 4, wanted, kModule, 0.1), HasSubstr("rsLoRA was ignored"));
  EXPECT_THAT(change_fault(wanted * 4, wanted, kModule, 0.1), HasSubstr("applied twice"));
  EXPECT_THAT(change_fault(wanted * 1.5, wanted, kModule, 0.1), HasSubstr("1.5 times as strongly"));
  EXPECT_THAT(change_fault(reordered(wanted, false), wanted, kModule, 0.1),
              HasSubstr("wrong order"));
  EXPECT_THAT(change_fault(reordered(wanted, true), wanted, kModule, 0.1),
              HasSubstr("wrong order"));
  EXPECT_THAT(change_fault(change().flip(0), wanted, {.rank = 16}, 0.1),
              HasSubstr("another change"));
}

// Strength is judged over all elements: noise as large as the change does not hide it.
TEST(ChangeFault, SeesTheStrengthThroughNoise) {
  at::manual_seed(2);
  const at::Tensor wanted = at::randn({512, 8}).mm(at::randn({8, 512})) * 0.01;
  const at::Tensor noise = at::randn({512, 512}) * wanted.std();
  EXPECT_THAT(change_fault(wanted + noise, wanted, kModule, 1.5), IsEmpty());
  EXPECT_THAT(change_fault(wanted * 0.9 + noise, wanted, kModule, 1.5), HasSubstr("acts 0.9"));
}

TEST(ChangeFit, IsLeastSquares) {
  ChangeCheck check({});
  check.add(at::full({1, 4}, 3.0F), at::ones({1, 4}));
  check.add(at::full({1, 4}, -1.0F), at::ones({1, 4}));
  EXPECT_DOUBLE_EQ(check.fit().factor, 1);
  EXPECT_DOUBLE_EQ(check.fit().left, 2);
  EXPECT_NEAR(check.fit().likeness(), 1 / std::sqrt(5.0), 1e-12);
  EXPECT_THROW(check.add(at::ones({4, 1}), at::ones({1, 4})), Error);
  ChangeCheck nothing({});
  nothing.add(at::ones({1, 4}), at::zeros({1, 4}));
  EXPECT_THROW(nothing.fit(), Error);
}

TEST(LogitsCheck, ByHand) {
  const at::Tensor wanted = at::tensor({0.F, 1.F, 2.F, 0.F}).view({2, 2});
  const at::Tensor found = at::tensor({0.F, 1.5F, 0.F, 1.F}).view({2, 2});
  const LogitsAgreement agreement = compare_logits(found, wanted);
  EXPECT_EQ(agreement.tokens, 2);
  EXPECT_DOUBLE_EQ(agreement.largest, 2);
  EXPECT_DOUBLE_EQ(agreement.relative, 1);
  EXPECT_DOUBLE_EQ(agreement.mean, 3.5 / 4);
  EXPECT_DOUBLE_EQ(agreement.argmax, 0.5);
  const auto divergence = [](double wanted_logit, double found_logit) {  // of two-way choices
    const double p = 1 / (1 + std::exp(-wanted_logit)), q = 1 / (1 + std::exp(-found_logit));
    return p * std::log(p / q) + (1 - p) * std::log((1 - p) / (1 - q));
  };
  EXPECT_NEAR(agreement.divergence, (divergence(1, 1.5) + divergence(-2, 1)) / 2, 1e-7);
  const LogitsAgreement both = joined(agreement, compare_logits(wanted, wanted));
  EXPECT_EQ(both.tokens, 4);
  EXPECT_DOUBLE_EQ(both.argmax, 0.75);
  EXPECT_DOUBLE_EQ(both.largest, 2);
}

TEST(LogitsCheck, WhatIsNotFiniteIsAnError) {
  const at::Tensor good = at::ones({1, 2}), bad = at::full({1, 2}, std::nanf(""));
  EXPECT_THROW(compare_logits(bad, good), Error);
  EXPECT_THROW(compare_logits(good, at::ones({2, 2})), Error);
}

}  // namespace
}  // namespace telora
