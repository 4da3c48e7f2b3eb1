#include "scoring/pairing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "core/error.h"

namespace telora {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Row i has the i-th letter of `gold` as right answer and of `given` as answer.
std::vector<Prediction> answers(const std::string& gold, const std::string& given) {
  std::vector<Prediction> rows;
  for (size_t i = 0; i < gold.size(); ++i) {
    const std::string right(1, gold[i]);
    const std::string answer(1, given[i]);
    rows.push_back({.id = std::to_string(i),
                    .options = 4,
                    .gold = right,
                    .predicted = answer,
                    .correct = answer == right,
                    .parsed = true});
  }
  return rows;
}

TEST(Pairs, KeepTheOrderOfTheFirst) {
  const std::vector<Prediction> first = answers("AAA", "ABA");
  std::vector<Prediction> second = answers("AAA", "AAB");
  std::swap(second[0], second[2]);
  const PairedMarks marks = pair_predictions({"base", first}, {"adapter", second});
  EXPECT_THAT(marks.differences, ElementsAre(0, 1, -1));
  EXPECT_EQ(marks.counts.both, 1);
  EXPECT_EQ(marks.counts.only_first, 1);
  EXPECT_EQ(marks.counts.only_second, 1);
  EXPECT_EQ(marks.counts.n, 3);
}

// What the refusal says after `change`.
std::string refusal(const std::function<void(std::vector<Prediction>&)>& change) {
  const std::vector<Prediction> before = answers("AB", "AB");
  std::vector<Prediction> after = before;
  change(after);
  try {
    pair_predictions({"base", before}, {"adapter", after});
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    return error.what();
  }
  return {};
}

TEST(Pairs, OtherQuestionsAreRefused) {
  EXPECT_EQ(refusal([](auto&) {}), "");
  EXPECT_THAT(refusal([](auto& rows) { rows[1].id = "7"; }), HasSubstr("no 1"));
  EXPECT_THAT(refusal([](auto& rows) { rows[1].id = "0"; }), HasSubstr("0 twice"));
  EXPECT_THAT(refusal([](auto& rows) { rows[1].gold = "C"; }), HasSubstr("gold"));
  EXPECT_THAT(refusal([](auto& rows) { rows[0].parser = "lenient"; }), HasSubstr("parser"));
  EXPECT_THAT(refusal([](auto& rows) { rows[0].split_seed = 7; }), HasSubstr("split"));
  EXPECT_THAT(refusal([](auto& rows) { rows.pop_back(); }), HasSubstr("rows"));
}

}  // namespace
}  // namespace telora
