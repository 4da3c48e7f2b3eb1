#include "scoring/choice_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "scoring/lbfgs.h"

namespace telora {
namespace {

TEST(Minimise, Quadratic) {
  // (x - 3)² + 10 (y + 1)²
  const auto objective = [](std::span<const double> x, std::span<double> gradient) {
    gradient[0] = 2 * (x[0] - 3);
    gradient[1] = 20 * (x[1] + 1);
    return (x[0] - 3) * (x[0] - 3) + 10 * (x[1] + 1) * (x[1] + 1);
  };
  const std::vector<double> x = minimise(objective, {0, 0}, {.gradient = 1e-12});
  EXPECT_NEAR(x[0], 3, 1e-9);
  EXPECT_NEAR(x[1], -1, 1e-9);
}

TEST(Minimise, StopsWhereItStartsIfNothingIsBetter) {
  const auto flat = [](std::span<const double>, std::span<double> gradient) {
    gradient[0] = 0;
    return 1.0;
  };
  EXPECT_EQ(minimise(flat, {5})[0], 5);
  EXPECT_TRUE(minimise(flat, {7}, {.iterations = 0})[0] == 7);
}

Choice question(std::vector<Features> options, size_t answer) {
  return {std::move(options), answer};
}

using Loss = ChoiceModel::Loss;

// One feature that the right option has: the optimum of n log(1 + exp(-w)) + penalty/2 w² solves
// n / (1 + exp(w)) = penalty w.
TEST(ChoiceModel, ReachesTheOptimum) {
  const Features with = {{0, 1}};
  const std::vector<Choice> rows(4, question({with, {}}, 0));
  ChoiceModel model(1, Loss::kCompared);
  model.train(rows, 0.5);
  const std::vector<double> scores = model.scores(rows[0]);
  const double w = scores[0] - scores[1];
  EXPECT_NEAR(4 / (1 + std::exp(w)), 0.5 * w, 1e-3);
}

// Without features only the intercept is left: the log-odds of a right option.
TEST(ChoiceModel, InterceptIsNotPenalised) {
  const std::vector<Choice> rows(5, question({{}, {}, {}, {}}, 2));
  ChoiceModel model(3, Loss::kAlone);
  model.train(rows, 100);
  EXPECT_NEAR(model.scores(rows[0])[1], std::log(1.0 / 3), 1e-3);
}

TEST(ChoiceModel, ComparesOptionsOfOneQuestionOnly) {
  // Feature 1 is in every option of the second question, so a comparison can tell nothing by it;
  // alone, it is found in right options as often as in wrong ones.
  const std::vector<Choice> rows = {question({{{0, 1}}, {}}, 0),
                                    question({{{0, 1}, {1, 1}}, {{1, 1}}}, 0)};
  for (const Loss loss : {Loss::kCompared, Loss::kAlone}) {
    ChoiceModel model(2, loss);
    model.train(rows, 0.1);
    const std::vector<double> scores = model.scores(question({{{0, 1}}, {{1, 1}}, {}}, 0));
    EXPECT_GT(scores[0], scores[1] + 0.5);
    EXPECT_NEAR(scores[1], scores[2], 1e-3);
  }
}

TEST(ChoiceModel, MorePenaltyMeansLessWeight) {
  const std::vector<Choice> rows(4, question({{{0, 1}}, {}, {}}, 0));
  const auto spread = [&](double penalty) {
    ChoiceModel model(1, Loss::kCompared);
    model.train(rows, penalty);
    return model.scores(rows[0])[0] - model.scores(rows[0])[1];
  };
  EXPECT_GT(spread(0.1), spread(10));
}

TEST(ClassModel, SeparatesClasses) {
  const std::vector<LabelledText> texts = {
      {{{0, 1}}, 0}, {{{0, 1}, {3, 1}}, 0}, {{{1, 1}}, 1}, {{{2, 1}}, 2}};
  ClassModel model(4, 3);
  model.train(texts, 0.1);
  for (const LabelledText& text : texts) {
    const std::vector<double> scores = model.scores(text);
    EXPECT_EQ(std::ranges::max_element(scores) - scores.begin(),
              static_cast<std::ptrdiff_t>(text.answer));
  }
  const std::vector<double> unknown = model.scores({});
  EXPECT_EQ(unknown, std::vector<double>(3));
}

TEST(ClassModel, WithTwoClassesIsLogisticRegression) {
  // Softmax over two classes with penalised weights ±w is the logistic of 2w.
  const std::vector<LabelledText> texts = {{{{0, 1}}, 0}, {{{0, 1}}, 0}, {{{0, 1}}, 1}};
  ClassModel model(1, 2);
  model.train(texts, 0.3);
  const std::vector<double> s = model.scores(texts[0]);
  EXPECT_NEAR(s[0], -s[1], 1e-6);
  EXPECT_NEAR(2 - 3 / (1 + std::exp(s[1] - s[0])), 0.3 * s[0], 1e-3);
}

}  // namespace
}  // namespace telora
