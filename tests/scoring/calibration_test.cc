#include "scoring/calibration.h"

#include <gtest/gtest.h>

#include <cmath>

#include "scoring/statistics.h"

namespace telora {
namespace {

TEST(Confidence, IsTheGreatestShareOfTheSoftmax) {
  EXPECT_NEAR(*confidence_of(std::vector{std::log(0.7), std::log(0.2), std::log(0.1)}), 0.7, 1e-12);
  EXPECT_NEAR(*confidence_of(std::vector{-1000.0, -1000.0}), 0.5, 1e-12);  // no underflow
  EXPECT_NEAR(*confidence_of(std::vector<double>{-1, -INFINITY}), 1, 1e-12);
  EXPECT_EQ(confidence_of({}), std::nullopt);
  EXPECT_EQ(confidence_of(std::vector<double>{-INFINITY, -INFINITY}), std::nullopt);
}

TEST(Reliability, SortsIntoBins) {
  const std::vector<ConfidentAnswer> answers = {
      {0.95, true}, {0.85, false}, {0.8, true}, {1.0, true}, {0.0, false}};
  const auto bins = reliability(answers);
  ASSERT_EQ(bins.size(), 10u);
  EXPECT_EQ(bins[0].n, 1);
  EXPECT_EQ(bins[8].n, 2);
  EXPECT_EQ(bins[8].correct, 1);
  EXPECT_NEAR(bins[8].confidence, 0.825, 1e-12);
  EXPECT_EQ(bins[9].n, 2);  // 1.0 belongs to the last bin
  // (|0 − 0| + |1 − 1.65| + |2 − 1.95|) / 5
  EXPECT_NEAR(calibration_error(bins), 0.14, 1e-12);
  EXPECT_EQ(calibration_error({}), 0);
}

TEST(RiskCoverage, EqualConfidencesStandTogetherInAnyOrder) {
  const std::vector<ConfidentAnswer> one = {{0.9, true}, {0.5, true}, {0.5, false}, {0.2, false}};
  const std::vector<ConfidentAnswer> other = {{0.2, false}, {0.5, false}, {0.9, true}, {0.5, true}};
  const auto curve = risk_coverage(one);
  ASSERT_EQ(curve.size(), 3u);
  EXPECT_EQ(curve[1].answered, 3);
  EXPECT_EQ(curve[1].wrong, 1);
  EXPECT_EQ(curve[2].risk(), 0.5);
  const auto again = risk_coverage(other);
  for (size_t i = 0; i < curve.size(); ++i) EXPECT_EQ(curve[i].wrong, again[i].wrong);
  // 1 · 0 + 2 · 1/3 + 1 · 1/2, over 4
  EXPECT_NEAR(area_under_risk(curve), (2.0 / 3 + 0.5) / 4, 1e-12);
  EXPECT_EQ(area_under_risk({}), 0);
}

TEST(RiskCoverage, AThresholdMeetsItsTargetBeyondDoubt) {
  std::vector<ConfidentAnswer> answers;
  for (int i = 0; i < 200; ++i) answers.push_back({0.9, i % 50 != 0});  // 4 wrong
  for (int i = 0; i < 200; ++i) answers.push_back({0.6, i % 2 == 0});
  const auto curve = risk_coverage(answers);
  const auto kept = meet_risk(curve, 0.1);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->answered, 200);
  EXPECT_LE(wilson(kept->wrong, kept->answered).high, 0.1);
  EXPECT_FALSE(meet_risk(curve, 0.02));  // 2 % were wrong, but it might be 5 %
  EXPECT_EQ(apply_threshold(answers, 0.6).answered, 400);
  EXPECT_EQ(apply_threshold(answers, 0.61).wrong, 4);
}

TEST(RiskCoverage, AThinnedCurveKeepsItsEnd) {
  std::vector<ConfidentAnswer> answers;
  for (int i = 0; i < 1000; ++i) answers.push_back({i / 1000.0, i % 3 == 0});
  const auto curve = risk_coverage(answers);
  const auto thin = thinned(curve, 50);
  EXPECT_EQ(thin.size(), 50u);
  EXPECT_EQ(thin.front().answered, 20);
  EXPECT_EQ(thin.back().answered, 1000);
  EXPECT_EQ(thinned(thin, 50).size(), 50u);
}

}  // namespace
}  // namespace telora
