// A category whose answers are numbers: trained by its loss, answered, scored by both tolerances.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"
#include "scoring/report.h"
#include "tests/train/tiny_bench.h"
#include "train/run.h"

namespace telora {
namespace {

using testing::HasSubstr;

class NumberCategory : public testing::Test {
 protected:
  NumberCategory() {
    std::string rows;
    for (int i = 0; i < 20; ++i) {
      const nlohmann::json row = {{"question", "What is " + std::to_string(i) + " plus a half?"},
                                  {"answer", i + 0.5},
                                  {"category", "sums"},
                                  {"tags", {"plus"}},
                                  {"difficulty", "basic"}};
      rows += row.dump() + "\n";
    }
    publish(bench_ / "data/telemath.jsonl", rows);
  }
  RunRequest request(std::vector<std::string> settings) {
    RunRequest request;
    settings.push_back("max_length=3000");
    request.recipe = bench_.recipe("telemath", std::move(settings));
    request.out = bench_ / "run";
    return request;
  }
  TinyBench bench_;
};

TEST_F(NumberCategory, IsTrainedAndScored) {
  const RunRequest one = request({"selection_metric=loss"});
  ASSERT_EQ(run_training(one, {}).end, RunEnd::kFinished);
  const auto predictions = read_predictions(one.out / "predictions.jsonl");
  ASSERT_EQ(predictions.size(), 4U);
  for (const Prediction& p : predictions) {
    EXPECT_EQ(p.options, 0);
    EXPECT_EQ(p.parser, "boxed-number");
    EXPECT_TRUE(p.selected.empty() && p.option_logprobs.empty());
    ASSERT_EQ(p.readings.size(), 1U);
    EXPECT_EQ(p.readings[0].parser, "boxed-number-rel1");
    EXPECT_THAT(p.gold, HasSubstr(".5"));
  }
  const Report report = read_report(one.out / "report.json");
  EXPECT_EQ(find_score(report, "adapter", "test", kSelection), nullptr);
  EXPECT_NE(find_score(report, "adapter", "test", kGenerated), nullptr);
  EXPECT_THAT(read_text(one.out / "report.html"), HasSubstr("plus a half?"));  // of a mistake
  EXPECT_THAT(read_text(one.out / "metrics.jsonl"), testing::Not(HasSubstr("accuracy")));
}

TEST_F(NumberCategory, HasNothingToSelect) {
  try {
    run_training(request({}), {});
    FAIL() << "went through";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kConfig);
    EXPECT_THAT(error.what(), HasSubstr("selection_metric=loss"));
  }
}

}  // namespace
}  // namespace telora
