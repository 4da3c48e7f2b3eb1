#include "tools/train_summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"

namespace telora {
namespace {

using testing::HasSubstr;
using testing::internal::CaptureStderr;
using testing::internal::CaptureStdout;
using testing::internal::GetCapturedStderr;
using testing::internal::GetCapturedStdout;

RunRequest request(int64_t rank) {
  RunRequest request;
  request.recipe = default_recipe();
  request.recipe.category = "oran-bench";
  request.recipe.rank = rank;
  request.out = "runs/oran-bench-r" + std::to_string(rank);
  return request;
}

Subject scored(const std::string& name, int64_t selected, int64_t generated) {
  PartResult test{.part = "test"};
  test.metrics = {{{kSelection, selected, 100}}, {{kGenerated, generated, 100}}};
  return {.name = name, .parts = {test}};
}

RunResult finished(const RunRequest& request, int64_t correct) {
  RunResult result{.end = RunEnd::kFinished, .folder = request.out};
  result.steps = 120;
  result.best_step = 90;
  result.best_value = 0.5;
  Report& report = result.report.emplace();
  report.category = "oran-bench";
  report.subjects = {scored("base", 20, 0), scored("adapter", correct, correct + 1)};
  return result;
}

TEST(TrainSummary, TableHasTheBaseOnceAndARowForEachRun) {
  const std::vector<RunRequest> requests{request(4), request(8)};
  const std::string table =
      comparison_table(requests, {finished(requests[0], 40), finished(requests[1], 45)});
  EXPECT_EQ(std::ranges::count(table, '\n'), 4);
  EXPECT_THAT(table, HasSubstr("base, oran-bench"));
  EXPECT_THAT(table, HasSubstr("20.0 %"));
  EXPECT_THAT(table, HasSubstr("oran-bench-r8"));
  EXPECT_THAT(table, HasSubstr("46.0 %"));
  EXPECT_THAT(table, HasSubstr("50.0 %"));
}

TEST(TrainSummary, AFailedRunIsNamedAndTheOthersGoOn) {
  const std::vector<RunRequest> requests{request(4), request(8), request(16)};
  RunResult failed{.end = RunEnd::kFailed, .folder = requests[1].out};
  failed.failure = std::make_exception_ptr(Error(ErrorKind::kData, "loss of step 3: found inf"));
  CaptureStdout();
  CaptureStderr();
  const int code = summarise(
      requests, {finished(requests[0], 40), failed, finished(requests[2], 41)}, "bin/lora-train");
  const std::string out = GetCapturedStdout();
  EXPECT_EQ(GetCapturedStderr(), "error: oran-bench-r8: loss of step 3: found inf\n");
  EXPECT_EQ(code, 1);
  EXPECT_THAT(out, HasSubstr("failed"));
  EXPECT_THAT(out, HasSubstr("next:    bin/lora-eval run --category oran-bench "
                             "--adapter runs/oran-bench-r4"));
  EXPECT_THAT(out, HasSubstr(" --adapter runs/oran-bench-r16\n"));
}

TEST(TrainSummary, InterruptedRunsAreResumedTogether) {
  const std::vector<RunRequest> requests{request(4), request(8)};
  std::vector<RunResult> results(2);
  for (size_t i = 0; i < 2; ++i) {
    results[i] = {.end = RunEnd::kInterrupted, .folder = requests[i].out};
  }
  CaptureStdout();
  EXPECT_EQ(summarise(requests, results, "lora-train"), 128);
  EXPECT_THAT(GetCapturedStdout(), HasSubstr("lora-train --resume runs/oran-bench-r4 "
                                             "--resume runs/oran-bench-r8\n"));
}

}  // namespace
}  // namespace telora
