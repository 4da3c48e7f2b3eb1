// What the data set adds to a report of predictions.
#include "scoring/report_data.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/digest.h"
#include "core/error.h"
#include "core/files.h"
#include "data/source.h"
#include "tests/golden/scratch.h"

namespace telora {
namespace {

using testing::HasSubstr;

// A file of forty rows, and a small file with the first five of them.
class ReportData : public testing::Test {
 protected:
  void SetUp() override {
    std::string rows;
    for (int i = 0; i < 40; ++i) {
      const nlohmann::ordered_json row = {
          {"question", "What is " + sha256(std::to_string(i)) + "?"},
          {"choices", {"1. a", "2. bb", "3. c", "4. d"}},
          {"answer", i % 4},
          {"difficulty", "easy"}};
      rows += row.dump() + "\n";
      if (i == 4) {
        std::filesystem::create_directories(folder_ / "lite");
        publish(folder_ / "lite/oranbench.jsonl", rows);
      }
    }
    publish(folder_ / "oranbench.jsonl", rows);
  }

  // Answers of one subject to the test part that is drawn with `lite`.
  ReportInputs inputs(const LiteChoice& lite, const std::string& method = "py") const {
    const Category& category = find_category("oran-bench");
    const DataSet set = load_category(find_source(folder_.path().string()), category);
    const Split split =
        make_split(set.examples, category, method, 42, rows_held_out(lite, category, set.examples));
    ReportInputs made{.category = category.name, .split_method = method, .split_seed = 42};
    made.parser = category.parser;
    made.subjects = {{"base", {{"test", {}}}}};
    for (const Example& example : examples_at(set.examples, split.test)) {
      Prediction p{.id = example.id, .split = "test", .split_method = method, .split_seed = 42};
      p.parser = category.parser;
      p.options = 4;
      p.gold = p.predicted = std::string(1, static_cast<char>('A' + example.answer));
      p.output = "ANSWER: " + p.gold;
      p.correct = p.parsed = true;
      made.subjects[0].parts[0].predictions.push_back(p);
    }
    return made;
  }

  golden::Scratch folder_;
};

TEST_F(ReportData, SizesBaselinesAndQuestions) {
  ReportInputs made = inputs({});
  const PageTexts texts = add_data(folder_.path().string(), {}, made);
  EXPECT_EQ(made.rows.training, 24);
  EXPECT_EQ(made.rows.test, 8);
  ASSERT_EQ(made.baselines.size(), 1U);
  EXPECT_EQ(made.baselines[0].marks.size(), 8U);
  EXPECT_EQ(texts.questions.size(), 8U);
  EXPECT_THAT(texts.questions.begin()->second, HasSubstr("?\nA) 1. a\nB) 2. bb"));
  EXPECT_EQ(build_report(made).subjects[0].parts[0].metrics[0].score.correct, 8);
}

TEST_F(ReportData, RowsHeldOutAreDrawnAgain) {
  const LiteChoice lite{.hold_out = true, .folder = folder_ / "lite"};
  for (const std::string method : {"group", "py"}) {
    ReportInputs made = inputs(lite, method);
    EXPECT_EQ(add_data(folder_.path().string(), lite, made).questions.size(),
              made.subjects[0].parts[0].predictions.size());
    // With py the test part is the same, but what is trained on is not: the digest tells.
    ReportInputs again = inputs(lite, method);
    if (method == "py") again.digests = made.digests;
    try {
      add_data(folder_.path().string(), {}, again);
      FAIL() << "went through";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kData);
      EXPECT_THAT(error.what(), HasSubstr("--hold-out-lite"));
    }
  }
}

}  // namespace
}  // namespace telora
