#include "scoring/baselines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "core/error.h"
#include "data/source.h"
#include "data/split.h"

namespace telora {
namespace {


Example question(std::vector<std::string> options, size_t answer) {
  Example example;
  example.options = std::move(options);
  example.answer = answer;
  return example;
}

std::vector<Example> answers(const std::vector<size_t>& list) {
  std::vector<Example> rows;
  for (const size_t answer : list) rows.push_back(question({"SA1", "SA2", "SA3"}, answer));
  return rows;
}

TEST(ConstantBaseline, TakesTheTrainingMajorityToTheTest) {
  const Baseline score =
      constant_baseline(TaskKind::kLetters, answers({2, 2, 0, 1}), answers({0, 0, 2, 1, 0}));
  EXPECT_EQ(score.name, "best constant answer (C)");
  EXPECT_EQ(score.expected, 1);
  EXPECT_EQ(score.n, 5);
  EXPECT_DOUBLE_EQ(score.rate(), 0.2);
}

TEST(ConstantBaseline, NamesClassesAndTakesTheFirstOfEquals) {
  const Baseline score =
      constant_baseline(TaskKind::kClasses, answers({1, 2, 2, 1}), answers({1, 2}));
  EXPECT_EQ(score.name, "best constant answer (SA2)");
  EXPECT_EQ(score.expected, 1);
}

TEST(ConstantBaseline, NeedsTrainingRows) {
  EXPECT_THROW(constant_baseline(TaskKind::kLetters, {}, answers({0})), Error);
}

TEST(LengthBaselines, TiesCountAsTheExpectedValue) {
  const std::vector<Example> rows = {question({"aa", "bbb", "cc"}, 1),    // longest alone
                                     question({"aaa", "bbb", "c"}, 0),    // one of two longest
                                     question({"a", "b", "c"}, 2),        // all tie
                                     question({"aaaa", "bb", "cc"}, 2)};  // one of two shortest
  EXPECT_DOUBLE_EQ(longest_baseline(rows).expected, 1 + 0.5 + 1.0 / 3);
  EXPECT_DOUBLE_EQ(shortest_baseline(rows).expected, 1.0 / 3 + 0.5);
}

TEST(LengthBaselines, CountCharactersNotBytes) {
  EXPECT_EQ(longest_baseline({question({"ééé", "abcd"}, 1)}).expected, 1);
}

TEST(LengthBaselines, OptionNumbersAreNotMeasured) {
  std::vector<std::string> options;
  for (int i = 1; i <= 10; ++i) options.push_back(std::to_string(i) + ". x");
  EXPECT_DOUBLE_EQ(longest_baseline({question(options, 9)}).expected, 0.1);
}

TEST(Baselines, ChanceIsTheMeanOverRows) {
  const std::vector<Example> rows = {question({"a", "b"}, 0), question({"a", "b", "c", "d"}, 0)};
  EXPECT_DOUBLE_EQ(chance_baseline(rows).rate(), 0.375);
}

TEST(Baselines, ClassesHaveNoLengthRules) {
  EXPECT_EQ(shortcut_baselines(TaskKind::kClasses, answers({0}), answers({0})).size(), 2u);
  EXPECT_EQ(shortcut_baselines(TaskKind::kLetters, answers({0}), answers({0})).size(), 4u);
}

std::vector<Example> numbers(const std::vector<std::string>& texts) {
  std::vector<Example> rows;
  for (const std::string& text : texts) rows.emplace_back().number = text;
  return rows;
}

TEST(NumberBaselines, TakeTheTrainingNumberThatIsCloseToMost) {
  const std::vector<Example> training = numbers({"5.0", "100.0", "0.001", "100.9", "99.5", "0.02"});
  const Baseline score = constant_baseline(TaskKind::kNumber, training, numbers({"100.2", "3.0"}));
  EXPECT_EQ(score.name, "best constant answer (100.0)");
  EXPECT_EQ(score.expected, 1);
  EXPECT_EQ(score.n, 2);
  EXPECT_EQ(constant_number("0", numbers({"0.01", "-0.01", "0.0101"})).expected, 2);
}

TEST(NumberBaselines, HaveNoChanceAndNoOptionRules) {
  EXPECT_EQ(shortcut_baselines(TaskKind::kNumber, numbers({"1.0"}), numbers({"1.0"})).size(), 2u);
}

TEST(Baselines, NoRowsScoreNothing) {
  for (const Baseline& score : shortcut_baselines(TaskKind::kLetters, answers({0}), {})) {
    EXPECT_EQ(score.rate(), 0) << score.name;
  }
}

std::filesystem::path published_folder() {
  const char* set = std::getenv("TELORA_OT_FULL");
  if (set) return set;
  return std::filesystem::path(TELORA_SOURCE_DIR).parent_path() / "shared" / "data" / "ot-full";
}

std::vector<Example> rows_of(const std::vector<Example>& all, const std::vector<size_t>& part) {
  std::vector<Example> rows;
  for (const size_t row : part) rows.push_back(all.at(row));
  return rows;
}

struct Published {
  const char* category;
  double constant_full, constant_test;  // percent
  const char* letter;                   // "" = not published
  double longest_full, longest_test, shortest_full, shortest_test;
  double chance;
};

void PrintTo(const Published& published, std::ostream* out) {
  *out << published.category;
}  // names the test, always alike

class PublishedBaselines : public testing::TestWithParam<Published> {
 protected:
  void SetUp() override {
    if (!std::filesystem::is_directory(published_folder())) {
      GTEST_SKIP() << "the published data set is absent: point TELORA_OT_FULL at it";
    }
    const Category& category = find_category(GetParam().category);
    all_ = load_category({.sample = false, .folder = published_folder()}, category).examples;
    const Split split = make_split(all_, category, "py", 42);
    training_ = rows_of(all_, split.train);
    test_ = rows_of(all_, split.test);
  }

  static void expect_percent(const Baseline& score, double percent) {
    EXPECT_NEAR(100 * score.rate(), percent, 0.00501) << score.name;
  }

  std::vector<Example> all_, training_, test_;
};

TEST_P(PublishedBaselines, PositionLengthAndChance) {
  const Published& wanted = GetParam();
  expect_percent(constant_baseline(TaskKind::kLetters, all_, all_), wanted.constant_full);
  const Baseline constant = constant_baseline(TaskKind::kLetters, training_, test_);
  expect_percent(constant, wanted.constant_test);
  EXPECT_THAT(constant.name, testing::HasSubstr(wanted.letter));
  expect_percent(longest_baseline(all_), wanted.longest_full);
  expect_percent(longest_baseline(test_), wanted.longest_test);
  expect_percent(shortest_baseline(all_), wanted.shortest_full);
  expect_percent(shortest_baseline(test_), wanted.shortest_test);
  expect_percent(chance_baseline(all_), wanted.chance);
}

INSTANTIATE_TEST_SUITE_P(
    OtFull, PublishedBaselines,
    testing::Values(Published{"teleqna", 22.10, 21.85, "", 32.37, 31.98, 20.46, 20.51, 21.89},
                    Published{"6g-bench", 31.52, 30.60, "(B)", 43.45, 42.95, 11.51, 11.45, 25},
                    Published{"oran-bench", 34.40, 34.33, "(B)", 42.17, 44.33, 17.80, 17.83, 25},
                    Published{"srsran-bench", 75.83, 76.41, "(A)", 38.18, 37.49, 19.03, 18.00, 25},
                    Published{"teletables", 20.00, 22.00, "", 23.95, 25.67, 21.90, 21.00, 20}),
    [](const auto& info) {
      std::string name;
      for (const char c : std::string(info.param.category)) name += c == '-' ? '_' : c;
      return name;
    });

TEST(PublishedClasses, ConstantLabel) {
  if (!std::filesystem::is_directory(published_folder())) {
    GTEST_SKIP() << "the published data set is absent: point TELORA_OT_FULL at it";
  }
  const Category& category = find_category("3gpp-tsg");
  const DataSet data = load_category({.sample = false, .folder = published_folder()}, category);
  const Baseline full = constant_baseline(TaskKind::kClasses, data.examples, data.examples);
  EXPECT_EQ(full.name, "best constant answer (CT4)");
  EXPECT_DOUBLE_EQ(full.rate(), 147.0 / 2000);
  const struct {
    const char* method;
    double rate;
  } cases[] = {{"py", 0.07}, {"sk", 0.0575}, {"hf", 0.0575}};
  for (const auto& [method, rate] : cases) {
    const Split split = make_split(data.examples, category, method, 42);
    const Baseline score =
        constant_baseline(TaskKind::kClasses, rows_of(data.examples, split.train),
                          rows_of(data.examples, split.test));
    EXPECT_DOUBLE_EQ(score.rate(), rate) << method << ' ' << score.name;
  }
}

TEST(PublishedNumbers, ConstantsUnderTheOfficialTolerance) {
  if (!std::filesystem::is_directory(published_folder())) {
    GTEST_SKIP() << "the published data set is absent: point TELORA_OT_FULL at it";
  }
  const Category& category = find_category("telemath");
  const std::vector<Example> all =
      load_category({.sample = false, .folder = published_folder()}, category).examples;
  EXPECT_DOUBLE_EQ(constant_number("0", all).rate(), 0.102);
  EXPECT_DOUBLE_EQ(constant_number("0.0081", all).rate(), 0.114);
  EXPECT_DOUBLE_EQ(constant_baseline(TaskKind::kNumber, all, all).rate(), 0.114);
  const Split split = make_split(all, category, "py", 42);
  EXPECT_EQ(constant_number("0.0081", rows_of(all, split.test)).expected, 12);
}

TEST(PublishedClasses, EveryCauseIsAsFrequent) {
  if (!std::filesystem::is_directory(published_folder())) {
    GTEST_SKIP() << "the published data set is absent: point TELORA_OT_FULL at it";
  }
  const DataSet data =
      load_category({.sample = false, .folder = published_folder()}, find_category("telelogs"));
  const Baseline full = constant_baseline(TaskKind::kClasses, data.examples, data.examples);
  EXPECT_DOUBLE_EQ(full.rate(), 0.125);
}

}  // namespace
}  // namespace telora
