#include "scoring/guards.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "core/error.h"

namespace telora {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

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

TEST(Unparsed, Rate) {
  EXPECT_DOUBLE_EQ(unparsed_rate(answers("AAAA", "A-BA")), 0.25);
  EXPECT_EQ(unparsed_rate({}), 0);
}

class Judge : public testing::Test {
 protected:
  // 400 questions with the four letters equally often; the first `right` are answered rightly, and
  // the others with the letter after the right one.
  static std::vector<Prediction> right_first(int right) {
    std::string given;
    for (int i = 0; i < 400; ++i) given += "ABCD"[(i + (i < right ? 0 : 1)) % 4];
    return answers(repeated("ABCD", 100), given);
  }
  static Verdict judge_counts(int base, int adapter, double free_rate) {
    const std::vector<Prediction> before = right_first(base), after = right_first(adapter);
    return judge({"base", before}, {"adapter", after},
                 {.name = "longest option", .expected = 400 * free_rate, .n = 400});
  }
};

TEST_F(Judge, Improvement) {
  const Verdict v = judge_counts(200, 300, 0.5);
  EXPECT_TRUE(v.improvement());
  EXPECT_TRUE(v.better_than_base && v.better_than_free && !v.worse_than_base);
  EXPECT_EQ(v.items_to_tell, 0);
  EXPECT_THAT(v.sentence, StartsWith("an improvement: better than the base (+25.0 points ["));
  EXPECT_THAT(v.sentence, HasSubstr("and better than what costs nothing (longest option, 50.0 %"));
}

TEST_F(Judge, BetterThanTheBaseIsNotEnough) {
  const Verdict v = judge_counts(200, 300, 0.76);
  EXPECT_FALSE(v.improvement());
  EXPECT_TRUE(v.better_than_base);
  EXPECT_THAT(v.sentence, StartsWith("not an improvement: better than the base"));
  EXPECT_THAT(v.sentence, HasSubstr("but not even as good as what costs nothing"));
}

TEST_F(Judge, BetterThanWhatIsFreeIsNotEnough) {
  const Verdict v = judge_counts(298, 300, 0.5);
  EXPECT_FALSE(v.improvement());
  EXPECT_GT(v.items_to_tell, 400);
  EXPECT_THAT(v.sentence, HasSubstr("not distinguishable from the base (+0.5 points"));
  EXPECT_THAT(v.sentence, HasSubstr("questions would tell"));
}

TEST_F(Judge, Worse) {
  const Verdict v = judge_counts(300, 200, 0.5);
  EXPECT_TRUE(v.worse_than_base);
  EXPECT_THAT(v.sentence, HasSubstr("worse than the base (-25.0 points"));
  EXPECT_THAT(v.sentence, HasSubstr("and not distinguishable from what costs nothing"));
}

TEST_F(Judge, AConstantIsNoImprovement) {
  const std::vector<Prediction> before = answers(repeated("AAAB", 50), repeated("B", 200));
  const std::vector<Prediction> after = answers(repeated("AAAB", 50), repeated("A", 200));
  const Verdict v =
      judge({"base", before}, {"adapter", after}, {.name = "chance", .expected = 50, .n = 200});
  EXPECT_TRUE(v.better_than_base && v.better_than_free);
  EXPECT_FALSE(v.improvement());
  EXPECT_THAT(v.sentence, HasSubstr("100 % of its answers are A"));
}

TEST_F(Judge, OtherQuestionsAreRefused) {
  const std::vector<Prediction> before = answers("AB", "AB");
  std::vector<Prediction> after = before;
  const Baseline free{.name = "chance", .expected = 0.5, .n = 2};
  const auto message = [&]() -> std::string {
    try {
      judge({"base", before}, {"adapter", after}, free);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kData);
      return error.what();
    }
    return {};
  };
  EXPECT_EQ(message(), "");
  after[1].id = "7";
  EXPECT_THAT(message(), HasSubstr("no 1"));
  after[1].id = "0";
  EXPECT_THAT(message(), HasSubstr("0 twice"));
  after = before;
  after[1].gold = "C";
  EXPECT_THAT(message(), HasSubstr("gold"));
  after = before;
  after[0].parser = "lenient";
  EXPECT_THAT(message(), HasSubstr("parser"));
  after = before;
  after[0].split_seed = 7;
  EXPECT_THAT(message(), HasSubstr("split"));
  after.pop_back();
  EXPECT_THAT(message(), HasSubstr("rows"));
}

TEST(Pairs, KeepTheOrderOfTheFirst) {
  const std::vector<Prediction> first = answers("AAA", "ABA");
  std::vector<Prediction> second = answers("AAA", "AAB");
  std::swap(second[0], second[2]);
  const PairedMarks marks = pair_predictions({"base", first}, {"adapter", second});
  EXPECT_THAT(marks.differences, testing::ElementsAre(0, 1, -1));
  EXPECT_EQ(marks.counts.both, 1);
  EXPECT_EQ(marks.counts.only_first, 1);
  EXPECT_EQ(marks.counts.only_second, 1);
  EXPECT_EQ(marks.counts.n, 3);
}

}  // namespace
}  // namespace telora
