#include "scoring/repeated.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "core/error.h"

namespace telora {
namespace {

// One sample a letter; '-' was not understood.
Prediction sampled(const std::string& letters, const std::string& gold, bool greedy,
                   int64_t options = 4) {
  Prediction p{.id = letters, .options = options, .gold = gold, .correct = greedy};
  for (const char letter : letters) {
    const std::string predicted = letter == '-' ? "" : std::string(1, letter);
    p.samples.push_back({.predicted = predicted, .correct = predicted == gold});
  }
  return p;
}

TEST(PassAtK, Unbiased) {
  EXPECT_DOUBLE_EQ(pass_at_k(5, 0, 3), 0);
  EXPECT_DOUBLE_EQ(pass_at_k(5, 1, 5), 1);
  EXPECT_DOUBLE_EQ(pass_at_k(5, 2, 3), 1 - 1.0 / 10);  // C(3,3) of C(5,3) hold no right one
  EXPECT_DOUBLE_EQ(pass_at_k(4, 3, 1), 0.75);
  EXPECT_DOUBLE_EQ(pass_at_k(4, 2, 3), 1);
}

TEST(PassAtK, Chance) {
  EXPECT_NEAR(chance_pass_at_k(4, 3), 0.578, 5e-4);
  EXPECT_NEAR(chance_pass_at_k(4, 5), 0.763, 5e-4);
  EXPECT_DOUBLE_EQ(chance_pass_at_k(4, 1), 0.25);
  EXPECT_EQ(chance_pass_at_k(0, 5), 0);
}

TEST(Repeated, CountsByHand) {
  const std::vector<Prediction> rows = {
      sampled("AAB-", "A", true),    // vote A right, passes, share 2/4
      sampled("BBAA", "A", false),   // tie to the first drawn: B, wrong; passes
      sampled("CCCC", "A", false),   // never right, never flips
      sampled("----", "A", false)};  // nothing understood
  const RepeatedScores scores = repeated_scores(rows, 4);
  EXPECT_EQ(scores.n, 4);
  EXPECT_DOUBLE_EQ(scores.greedy, 0.25);
  EXPECT_DOUBLE_EQ(scores.pass_direct, 0.5);
  EXPECT_DOUBLE_EQ(scores.pass_unbiased, 0.5);
  EXPECT_DOUBLE_EQ(scores.majority, 0.25);
  EXPECT_DOUBLE_EQ(scores.gap, 0.25);
  EXPECT_DOUBLE_EQ(scores.chance_gap, chance_pass_at_k(4, 4) - 0.25);
  EXPECT_DOUBLE_EQ(scores.consistency, (0.5 + 0.5 + 1 + 0) / 4);
  EXPECT_DOUBLE_EQ(scores.flip_rate, 0.5);
  EXPECT_DOUBLE_EQ(scores.selection_efficiency, 0.5);
}

TEST(Repeated, FewerThanAllSamplesAreTheFirst) {
  const std::vector<Prediction> rows = {sampled("BBAA", "A", false)};
  const RepeatedScores two = repeated_scores(rows, 2);
  EXPECT_EQ(two.pass_direct, 0);
  EXPECT_NEAR(two.pass_unbiased, 1 - 1.0 / 6, 1e-12);
  EXPECT_EQ(two.flip_rate, 0);
  EXPECT_TRUE(std::isnan(two.selection_efficiency));
}

TEST(Repeated, OneSampleIsPassAtOne) {
  const std::vector<Prediction> rows = {sampled("A", "A", true), sampled("B", "A", true)};
  const RepeatedScores one = repeated_scores(rows, 1);
  EXPECT_EQ(one.pass_direct, one.majority);
  EXPECT_EQ(one.pass_direct, one.pass_unbiased);
  EXPECT_EQ(one.chance_gap, 0);
}

TEST(Repeated, TooFewSamplesAreNamed) {
  try {
    repeated_scores({sampled("AB", "A", true)}, 3);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    EXPECT_NE(std::string(error.what()).find("AB: samples"), std::string::npos) << error.what();
  }
  EXPECT_THROW(repeated_scores({}, 0), Error);
}

}  // namespace
}  // namespace telora
