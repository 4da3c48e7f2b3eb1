#include "backbone/head.h"

#include <gtest/gtest.h>

#include "backbone/torch.h"

namespace telora {
namespace {

struct Sizes {
  int64_t rows, words, width;
};

// Widths and vocabularies that fill no register, tile or strip, and ones that do.
const std::vector<Sizes> kSizes{{1, 1, 1},   {1, 300, 16},  {5, 257, 24},  {6, 64, 64},
                                {7, 3, 130}, {13, 515, 80}, {300, 97, 66}, {2, 1000, 576}};

TEST(Head, LogitsAreTheProduct) {
  torch::manual_seed(1);
  for (const auto& [rows, words, width] : kSizes) {
    const at::Tensor x = torch::randn({rows, width}), head = torch::randn({words, width});
    const at::Tensor wanted = at::mm(x.to(at::kDouble), head.t().to(at::kDouble)) * 0.5;
    EXPECT_TRUE(at::allclose(head_logits(x, head, 0.5).to(at::kDouble), wanted, 1e-5, 1e-4))
        << rows << " x " << words << " x " << width;
  }
}

TEST(Head, GradientIsTheProduct) {
  torch::manual_seed(2);
  for (const auto& [rows, words, width] : kSizes) {
    const at::Tensor dy = torch::randn({rows, words}), head = torch::randn({words, width});
    const at::Tensor wanted = at::mm(dy.to(at::kDouble), head.to(at::kDouble)) * 0.25;
    EXPECT_TRUE(at::allclose(head_gradient(dy, head, 0.25).to(at::kDouble), wanted, 1e-5, 1e-4))
        << rows << " x " << words << " x " << width;
  }
}

TEST(Head, ARowHasTheSameBitsInAnyCompany) {
  torch::manual_seed(3);
  const at::Tensor x = torch::randn({29, 576}), head = torch::randn({1031, 576});
  const at::Tensor logits = head_logits(x, head, 1), gradient = head_gradient(logits, head, 1);
  for (const int64_t rows : {1, 2, 5, 6, 7, 28}) {
    const at::Tensor few = x.narrow(0, 29 - rows, rows);
    const at::Tensor some = head_logits(few, head, 1);
    EXPECT_TRUE(at::equal(some, logits.narrow(0, 29 - rows, rows))) << rows;
    EXPECT_TRUE(at::equal(head_gradient(some, head, 1), gradient.narrow(0, 29 - rows, rows)))
        << rows;
  }
}

TEST(Head, NoRowsGiveNone) {
  const at::Tensor head = torch::randn({10, 16});
  EXPECT_EQ(head_logits(at::empty({0, 16}), head, 1).sizes(), at::IntArrayRef({0, 10}));
  EXPECT_EQ(head_gradient(at::empty({0, 10}), head, 1).sizes(), at::IntArrayRef({0, 16}));
}

}  // namespace
}  // namespace telora
