#include "ablate/lr_scan.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "tests/golden/scratch.h"

namespace telora {
namespace {

using golden::Scratch;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

std::vector<PlannedRun> two_ranks() {
  Sweep sweep;
  sweep.base.settings = {"category=oran-bench"};
  set_axis(sweep, {"rank", {"4", "8"}});
  set_axis(sweep, {"seed", {"1", "2"}});
  return plan_runs(sweep);
}

std::vector<PlannedRun> scan() {
  return scan_runs(two_ranks(), {{"1e-4", "1e-3"}, 0.25}, [](const Recipe&) { return 100; });
}

void record(const Scratch& folder, const std::string& run, double accuracy) {
  create_folders(folder / "runs" / run);
  publish(folder / "runs" / run / "metrics.jsonl",
          fmt::format("{{\"step\": 25, \"evaluation\": \"validation\", \"loss\": 1, "
                      "\"selection_accuracy\": {}, \"best\": true}}\n",
                      accuracy));
}

TEST(LearningRateScan, EveryCombinationAtEveryRateForTheFirstSeed) {
  const std::vector<PlannedRun> runs = scan();
  ASSERT_EQ(runs.size(), 4U);
  EXPECT_EQ(runs[1].name, "r4-lr1e-3");
  EXPECT_EQ(runs[1].recipe.learning_rate, 1e-3);
  EXPECT_EQ(runs[1].recipe.seed, 1);
  EXPECT_EQ(runs[1].recipe.max_steps, 25);
  EXPECT_THAT(runs[2].values, ElementsAre(Pair("rank", "8"), Pair("learning_rate", "1e-4")));
}

TEST(LearningRateScan, TheBestOnTheValidationPartIsTaken) {
  const Scratch folder;
  record(folder, "r4-lr1e-4", 0.30);
  record(folder, "r4-lr1e-3", 0.40);
  record(folder, "r8-lr1e-4", 0.45);
  record(folder, "r8-lr1e-3", 0.20);
  const std::vector<ScanChoice> choices = choose_rates(folder.path(), scan());
  ASSERT_EQ(choices.size(), 2U);
  EXPECT_EQ(choices[0].rate, "1e-3");
  EXPECT_EQ(choices[1].rate, "1e-4");
  const std::vector<PlannedRun> runs = with_rates(two_ranks(), choices);
  EXPECT_EQ(runs[1].recipe.learning_rate, 1e-3);
  EXPECT_EQ(runs[3].recipe.learning_rate, 1e-4);
  const std::string text = render_scan(choices);
  EXPECT_THAT(text, HasSubstr("at 1e-4 they are 0.150 apart"));
  EXPECT_THAT(text, HasSubstr("each at its best 0.050"));
}

TEST(LearningRateScan, WhatMakesNoSenseIsRefused) {
  const auto steps = [](const Recipe&) { return 100; };
  EXPECT_THROW(scan_runs(two_ranks(), {{"1e-4"}, 0.25}, steps), Error);
  EXPECT_THROW(scan_runs(two_ranks(), {{"1e-4", "1e-3"}, 0}, steps), Error);
  Sweep sweep;
  sweep.base.settings = {"category=oran-bench"};
  set_axis(sweep, {"learning_rate", {"1e-4", "1e-3"}});
  EXPECT_THROW(scan_runs(plan_runs(sweep), {{"1e-4", "1e-3"}, 0.25}, steps), Error);
  const Scratch empty;
  EXPECT_THROW(choose_rates(empty.path(), scan()), Error);
}

}  // namespace
}  // namespace telora
