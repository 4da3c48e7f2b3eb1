#include "scoring/rules.h"

#include <gtest/gtest.h>

#include "tests/scoring/published.h"

namespace telora {
namespace {

double mark(const std::vector<Baseline>& scores) { return scores.at(0).marks.at(0); }

Example row(std::vector<std::string> options, size_t answer, std::string question = "") {
  Example example;
  example.question = std::move(question);
  example.options = std::move(options);
  example.answer = answer;
  return example;
}

TEST(AllOfTheAbove, BeatsLengthAndNoneOf) {
  const auto right = [](const Example& example) {
    return mark({all_of_the_above_rule({example})});
  };
  EXPECT_EQ(right(row({"a very long option indeed", "All of the above"}, 1)), 1);
  EXPECT_EQ(right(row({"short", "None of these options here"}, 0)), 1);
  EXPECT_EQ(right(row({"short", "longer"}, 1)), 1);
  EXPECT_EQ(right(row({"none of a", "NONE OF b"}, 1)), 0.5);
}

TEST(Cautious, DropsWordsOfCertainty) {
  const auto right = [](const Example& example) { return mark({cautious_rule({example})}); };
  EXPECT_EQ(right(row({"go back since the slice failed", "stay"}, 1)), 1);
  EXPECT_EQ(right(row({"stay because of x", "stay, assuming that y"}, 1)), 1);  // both: longest
  EXPECT_EQ(right(row({"smaller steps", "carefully"}, 0)), 1);  // "all" and "full" are words
  EXPECT_EQ(right(row({"use all of it", "no"}, 1)), 1);
}

TEST(QuestionWords, MostInCommonFirstOfEquals) {
  const auto right = [](const Example& example) { return mark({question_words_rule({example})}); };
  const std::string question = "Which library handles scheduling?";
  EXPECT_EQ(right(row({"1. drivers", "2. a library for the scheduling"}, 1, question)), 1);
  EXPECT_EQ(right(row({"1. drivers", "2. sockets"}, 0, question)), 1);
  EXPECT_EQ(right(row({"1. drivers", "2. sockets"}, 1, question)), 0);
}

TEST(TextRules, AreThoseOfTheCategory) {
  EXPECT_EQ(text_rules(find_category("teleqna"), {}).size(), 1U);
  EXPECT_EQ(text_rules(find_category("teletables"), {}).size(), 0U);
  EXPECT_EQ(text_rules(find_category("3gpp-tsg"), {}).size(), 0U);
}

struct Known {
  const char* category;
  double full, test;  // percent; test: the part of split py
};

TEST(PublishedRules, Percentages) {
  TELORA_NEEDS_PUBLISHED_DATA();
  for (const auto& [category, full, test] : {Known{"teleqna", 39.23, 39.13},
                                             {"oran-bench", 44.27, 45.94},
                                             {"6g-bench", 51.70, 51.54},
                                             {"srsran-bench", 78.10, 75.42}}) {
    const published::Rows rows(category);
    const std::vector<Baseline> on_all = text_rules(rows.category, rows.all);
    EXPECT_NEAR(100 * on_all.at(0).rate(), full, 0.00501) << category;
    EXPECT_NEAR(100 * text_rules(rows.category, rows.test("py")).at(0).rate(), test, 0.00501)
        << category;
  }
}

}  // namespace
}  // namespace telora
