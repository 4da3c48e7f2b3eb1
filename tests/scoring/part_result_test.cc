#include "scoring/part_result.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "tests/scoring/synthetic.h"

namespace telora {
namespace {

Prediction answered(int id, const std::string& gold, const std::string& answer) {
  Prediction p;
  p.id = std::to_string(id);
  p.options = 4;
  p.gold = gold;
  p.predicted = answer;
  p.parsed = !answer.empty();
  p.correct = gold == answer;
  p.output = "…";
  return p;
}

TEST(ScorePart, SkillStandsOnWhatCostsNothing) {
  const std::vector<Prediction> rows = {answered(0, "A", "A"), answered(1, "B", "B"),
                                        answered(2, "C", "C"), answered(3, "D", "")};
  const PartResult part = score_part("test", rows, 0.5);
  const Metric* metric = find_metric(part, kGenerated);
  ASSERT_NE(metric, nullptr);
  EXPECT_NEAR(*metric->skill, 0.5, 1e-12);
  EXPECT_EQ(metric->score.unparsed, 1);
  EXPECT_NEAR(*metric->clustered_error, standard_error(3, 4), 1e-12);
  EXPECT_EQ(find_metric(part, kSelection), nullptr);
  EXPECT_EQ(find_metric(score_part("test", rows, std::nullopt), kGenerated)->skill, std::nullopt);
  EXPECT_EQ(find_metric(score_part("test", rows, 1.0), kGenerated)->skill, std::nullopt);
}

TEST(ScorePart, RowsOfAGroupCountAsOne) {
  std::vector<Prediction> rows;
  for (int i = 0; i < 40; ++i) {
    rows.push_back(answered(i, "A", i % 8 < 4 ? "A" : "B"));
    rows.back().group = std::to_string(i / 4);
  }
  const PartResult part = score_part("test", rows, 0.25);
  EXPECT_EQ(part.groups, 10);
  // Ten groups, each all right or all wrong: the error of ten answers.
  EXPECT_NEAR(*part.metrics[0].clustered_error, standard_error(5, 10), 1e-12);
}

TEST(ScorePart, AConstantAnswerIsFlagged) {
  std::vector<Prediction> rows;
  for (int i = 0; i < 100; ++i) rows.push_back(answered(i, i % 4 < 3 ? "A" : "B", "A"));
  const AnswerHistogram h = score_part("test", rows, 0.75).histograms.at(0);
  EXPECT_TRUE(h.collapsed);
  EXPECT_EQ(h.largest, "A");
  EXPECT_NEAR(h.total_variation, 0.25, 1e-12);
  ASSERT_EQ(h.answers.size(), 4u);  // C and D were offered, never right, never given
  EXPECT_EQ(h.answers[0].predicted, 100);
  EXPECT_EQ(h.answers[1].gold, 25);
  EXPECT_EQ(h.answers[3].gold, 0);
}

TEST(ScorePart, ConfusionAndMacroF1OfClasses) {
  std::vector<Prediction> rows = {answered(0, "SA1", "SA1"), answered(1, "SA1", "SA2"),
                                  answered(2, "SA2", "SA2"), answered(3, "CT4", "")};
  for (Prediction& p : rows) p.options = 16;
  const PartResult part = score_part("test", rows, std::nullopt);
  ASSERT_EQ(part.classes.size(), 1u);
  const ClassResult& c = part.classes[0];
  EXPECT_EQ(c.classes, (std::vector<std::string>{"CT4", "SA1", "SA2"}));
  EXPECT_EQ(c.counts[0][3], 1);  // CT4, not understood
  EXPECT_EQ(c.counts[1][2], 1);  // SA1 taken for SA2
  // F1: CT4 0, SA1 2·1/3, SA2 2·1/3
  EXPECT_NEAR(c.macro_f1(), 4.0 / 9, 1e-12);
  EXPECT_TRUE(score_part("test", {answered(0, "A", "A")}, {}).classes.empty());
}

TEST(ScorePart, OpenAnswersHaveNoHistogram) {
  std::vector<Prediction> rows = {answered(0, "3.5", "3.5"), answered(1, "2", "7")};
  for (Prediction& p : rows) p.options = 0;
  EXPECT_TRUE(score_part("test", rows, {}).histograms.empty());
}

TEST(ScorePart, RotationsCountTheOriginalOrderToo) {
  Prediction steady = answered(0, "A", "A"), shaky = answered(1, "B", "B");
  steady.rotations = {{1, "", "A", "x"}, {2, "", "A", "x"}, {3, "", "A", "x"}};
  shaky.rotations = {{1, "", "B", "x"}, {2, "", "", "x"}, {3, "", "C", "x"}};
  const PartResult part = score_part("test", {steady, shaky}, {});
  ASSERT_EQ(part.rotations.size(), 1u);
  const RotationResult& r = part.rotations[0];
  EXPECT_EQ(r.n, 2);
  EXPECT_EQ(r.rate(), 6.0 / 8);
  EXPECT_EQ(r.right_in_all, 1);
  EXPECT_EQ(r.same_in_all, 1);
}

TEST(ScorePart, SamplesOfSomeRowsAreScoredOnThoseRows) {
  auto rows = synthetic::predictions({.n = 50, .samples = 5});
  for (size_t i = 20; i < rows.size(); ++i) rows[i].samples.clear();
  const PartResult part = score_part("test", rows, {});
  ASSERT_TRUE(part.repeated);
  EXPECT_EQ(part.repeated->n, 20);
  EXPECT_EQ(part.repeated->k, 5);
  EXPECT_EQ(find_metric(part, "generated maj@5")->score.n, 20);
}

TEST(ScorePart, WorstMistakesAreTheSurest) {
  auto rows = synthetic::predictions({.n = 200});
  const PartResult part = score_part("test", rows, {});
  ASSERT_EQ(part.mistakes.size(), 20u);
  EXPECT_TRUE(std::ranges::is_sorted(part.mistakes, std::greater{},
                                     [](const Mistake& m) { return *m.confidence; }));
  for (const Mistake& m : part.mistakes) EXPECT_NE(m.answer, m.gold);
}

TEST(ScorePart, ThresholdsAreChosenOnValidationWhereItIsThere) {
  const auto test = synthetic::predictions({.n = 400, .right = 0.9});
  const auto validation = synthetic::predictions({.part = "validation", .n = 400, .right = 0.9});
  EXPECT_EQ(score_part("test", test, {}).calibration->chosen_on, "test");
  const PartResult part = score_part("test", test, {}, &validation);
  EXPECT_EQ(part.calibration->chosen_on, "validation");
  EXPECT_EQ(part.calibration->n, 400);
}

TEST(ScorePart, NothingIsScoredOfNothing) {
  const PartResult part = score_part("test", {}, 0.5);
  EXPECT_EQ(part.n, 0);
  EXPECT_TRUE(part.metrics.empty() && part.histograms.empty() && !part.calibration);
}

}  // namespace
}  // namespace telora
