#include "eval/evaluate.h"

#include <gtest/gtest.h>

namespace telora {
namespace {

std::vector<EncodedExample> prompts_of(const std::vector<size_t>& lengths) {
  std::vector<EncodedExample> examples(lengths.size());
  for (size_t i = 0; i < lengths.size(); ++i) examples[i].prompt.resize(lengths[i], 1);
  return examples;
}

TEST(FittingExamples, FillAPassAndAtLeastOne) {
  const auto examples = prompts_of({40, 50, 20, 300, 10});
  EXPECT_EQ(fitting_examples(examples, 0, {100, 1}), 2U);
  EXPECT_EQ(fitting_examples(examples, 2, {100, 1}), 1U);
  EXPECT_EQ(fitting_examples(examples, 3, {100, 1}), 1U);  // too long, and still it must be read
  EXPECT_EQ(fitting_examples(examples, 4, {100, 1}), 1U);
  EXPECT_EQ(fitting_examples(examples, 0, {1000, 1}), 5U);
}

// The logits of all answers of a pass are held at once.
TEST(FittingExamples, ManyAnswersMakeFewRows) {
  const auto examples = prompts_of(std::vector<size_t>(1000, 1));
  const size_t alone = fitting_examples(examples, 0, {4096, 1});
  EXPECT_LT(alone, 1000U);
  EXPECT_EQ(fitting_examples(examples, 0, {4096, 0}), alone);
  EXPECT_EQ(fitting_examples(examples, 0, {4096, 4}), alone / 4);
  EXPECT_GE(fitting_examples(examples, 0, {4096, 1 + kMostSamples}), 1U);
}

// So are the keys and values of long answers.
TEST(FittingExamples, LongAnswersMakeFewRows) {
  const auto examples = prompts_of(std::vector<size_t>(1000, 1));
  EXPECT_EQ(fitting_examples(examples, 0, {4096, 1, 1024}), 16U);
  EXPECT_EQ(fitting_examples(examples, 0, {4096, 4, 1024}), 4U);
  EXPECT_EQ(fitting_examples(examples, 0, {4096, 1, 1 << 20}), 1U);
}

}  // namespace
}  // namespace telora
