#include "scoring/comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/error.h"
#include "tests/scoring/synthetic.h"

namespace telora {
namespace {

using testing::HasSubstr;

AnswerSet answers(const std::vector<Prediction>& predictions, const char* metric = kGenerated) {
  return *find_answers(answer_sets(predictions), metric);
}

// Row i is right as marks[i] says.
std::vector<Prediction> marked(const std::string& marks) {
  std::vector<Prediction> rows;
  for (size_t i = 0; i < marks.size(); ++i) {
    Prediction p;
    p.id = "row " + std::to_string(1000 + i);
    p.gold = "A";
    p.output = "ANSWER: A";
    p.correct = marks[i] == '1';
    p.parsed = true;
    rows.push_back(p);
  }
  return rows;
}

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

TEST(Compare, PairsByIdInAnyOrder) {
  std::vector<Prediction> first = marked("11100"), second = marked("10110");
  std::ranges::reverse(second);
  const Comparison c = compare("base", answers(first), "adapter", answers(second));
  EXPECT_EQ(c.counts.n, 5);
  EXPECT_EQ(c.counts.both, 2);
  EXPECT_EQ(c.counts.only_first, 1);
  EXPECT_EQ(c.counts.only_second, 1);
  EXPECT_EQ(c.difference(), 0);
  EXPECT_EQ(c.finding(), Finding::kUndecided);
}

TEST(Compare, FindsWhatIsThere) {
  const auto weak = marked(repeated("1000", 50)), strong = marked(repeated("1110", 50));
  const Comparison up = compare("a", answers(weak), "b", answers(strong));
  EXPECT_EQ(up.finding(), Finding::kBetter);
  EXPECT_NEAR(up.difference(), 0.5, 1e-12);
  EXPECT_GT(up.bootstrap.low, 0.4);
  EXPECT_EQ(up.groups, 200);
  EXPECT_EQ(compare("b", answers(strong), "a", answers(weak)).finding(), Finding::kWorse);
  EXPECT_EQ(compare("a", answers(weak), "a", answers(weak)).finding(), Finding::kUndecided);
}

TEST(Compare, RowsThatAreAlikeProveLess) {
  // 30 rows of two groups: McNemar counts 30 answers, the bootstrap two.
  std::vector<Prediction> none = marked(repeated("0", 30)),
                          some = marked(repeated("1", 14) + repeated("0", 16));
  for (size_t i = 0; i < none.size(); ++i) none[i].group = some[i].group = i < 15 ? "x" : "y";
  const Comparison c = compare("a", answers(none), "b", answers(some));
  EXPECT_LT(c.adjusted_p, 0.001);
  EXPECT_EQ(c.groups, 2);
  EXPECT_EQ(c.finding(), Finding::kUndecided);
  for (size_t i = 0; i < none.size(); ++i) none[i].group = some[i].group = "x";
  EXPECT_EQ(compare("a", answers(none), "b", answers(some)).finding(), Finding::kUndecided);
}

TEST(Compare, SeveralAreJudgedTogether) {
  const auto base = marked(repeated("0", 40)),
             little = marked(repeated("1", 6) + repeated("0", 34));
  Comparison one = compare("a", answers(base), "b", answers(little));
  EXPECT_NEAR(one.adjusted_p, 2.0 / 64, 1e-12);
  EXPECT_EQ(one.finding(), Finding::kBetter);
  Comparison other = one, third = one;
  adjust_together({&one, &other, &third});
  EXPECT_NEAR(one.adjusted_p, 6.0 / 64, 1e-12);
  EXPECT_EQ(third.finding(), Finding::kUndecided);
}

std::string refusal(const std::vector<Prediction>& first, const std::vector<Prediction>& second) {
  try {
    compare("first", answers(first), "second", answers(second));
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    return error.what();
  }
  return "no error";
}

TEST(Compare, RefusesWhatIsNotComparable) {
  const auto good = marked("1010");
  EXPECT_EQ(refusal(good, good), "no error");
  EXPECT_THAT(refusal(good, marked("101")), HasSubstr("second"));
  const auto changed = [&](auto change) {
    auto other = good;
    for (Prediction& p : other) change(p);
    return refusal(good, other);
  };
  EXPECT_THAT(changed([](Prediction& p) { p.id += "x"; }), HasSubstr("row 1000"));
  EXPECT_THAT(changed([](Prediction& p) { p.split = "train"; }), HasSubstr("split"));
  EXPECT_THAT(changed([](Prediction& p) { p.split_method = "sk"; }), HasSubstr("sk"));
  EXPECT_THAT(changed([](Prediction& p) { p.split_seed = 7; }), HasSubstr("7"));
  EXPECT_THAT(changed([](Prediction& p) { p.parser = "lenient"; }), HasSubstr("parser"));
  EXPECT_THAT(changed([](Prediction& p) { p.gold = "B"; }), HasSubstr("gold"));
}

TEST(AnswerSets, AnIdComesOnce) {
  auto twice = marked("10");
  twice[1].id = twice[0].id;
  EXPECT_THROW(answer_sets(twice), Error);
}

TEST(AnswerSets, TellTheWaysOfAnsweringApart) {
  auto rows = synthetic::predictions({.n = 40, .samples = 4});
  rows[3].output = std::nullopt;
  const auto sets = answer_sets(rows);
  std::vector<std::string> names;
  for (const AnswerSet& set : sets) names.push_back(set.metric);
  EXPECT_THAT(names, testing::ElementsAre(kGenerated, kSelection, kSelectionByLength,
                                          "generated maj@4", "by lenient"));
  EXPECT_EQ(sets[0].rows.size(), 39u);
  EXPECT_EQ(sets[1].score().unparsed, std::nullopt);
  EXPECT_TRUE(sets[3].score().unparsed.has_value());
  rows[5].samples.pop_back();
  EXPECT_THROW(answer_sets(rows), Error);
}

}  // namespace
}  // namespace telora
