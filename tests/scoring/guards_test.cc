#include "scoring/guards.h"

#include <gtest/gtest.h>

#include <string>

namespace telora {
namespace {

// Row i has the i-th letter of `gold` as right answer and of `given` as answer; '-' is not
// understood.
std::vector<Prediction> answers(const std::string& gold, const std::string& given) {
  std::vector<Prediction> rows;
  for (size_t i = 0; i < gold.size(); ++i) {
    const std::string right(1, gold[i]);
    const std::string answer = given[i] == '-' ? "" : std::string(1, given[i]);
    rows.push_back({.id = std::to_string(i),
                    .options = 4,
                    .gold = right,
                    .predicted = answer,
                    .correct = answer == right,
                    .parsed = !answer.empty()});
  }
  return rows;
}

std::string repeated(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

TEST(LetterCollapse, ConstantAnswer) {
  const Collapse found = find_collapse(answers(repeated("AAAB", 10), repeated("A", 40)));
  EXPECT_TRUE(found.raised);
  EXPECT_EQ(found.answer, "A");
  EXPECT_EQ(found.share, 1);
  EXPECT_NEAR(found.variation, 0.25, 1e-12);
}

TEST(LetterCollapse, NinetyFivePercentIsEnough) {
  const std::string gold = repeated("A", 95) + repeated("B", 5);
  EXPECT_TRUE(find_collapse(answers(gold, gold)).raised);
  const std::string less = repeated("A", 94) + repeated("B", 6);
  EXPECT_FALSE(find_collapse(answers(less, less)).raised);
}

TEST(LetterCollapse, HistogramsThatDiffer) {
  const std::string gold = repeated("ABCD", 25);
  const auto given = [](int a, int b, int c, int d) {
    return repeated("A", a) + repeated("B", b) + repeated("C", c) + repeated("D", d);
  };
  EXPECT_FALSE(find_collapse(answers(gold, given(50, 25, 15, 10))).raised);  // distance 0.25
  EXPECT_TRUE(find_collapse(answers(gold, given(51, 25, 14, 10))).raised);
  EXPECT_FALSE(find_collapse(answers(gold, gold)).raised);
}

TEST(LetterCollapse, SaysNothingOfFewOrOpenAnswers) {
  EXPECT_FALSE(find_collapse(answers("ABCD", "AAAA")).raised);
  EXPECT_FALSE(find_collapse({}).raised);
  EXPECT_FALSE(find_collapse(answers(repeated("A", 30), repeated("-", 30))).raised);
  std::vector<Prediction> open = answers(repeated("B", 30), repeated("A", 30));
  for (Prediction& p : open) p.options = 0;
  EXPECT_FALSE(find_collapse(open).raised);
}

}  // namespace
}  // namespace telora
