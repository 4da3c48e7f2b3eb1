#include "ablate/sweep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "ablate/plan_file.h"
#include "core/error.h"
#include "core/files.h"
#include "tests/golden/scratch.h"

namespace telora {
namespace {

using golden::Scratch;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

std::string error_of(ErrorKind kind, const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return {};
}

Sweep oran() {
  Sweep sweep;
  sweep.base.settings = {"category=oran-bench"};
  return sweep;
}

std::vector<std::string> names(const std::vector<PlannedRun>& runs) {
  std::vector<std::string> names;
  for (const PlannedRun& run : runs) names.push_back(run.name);
  return names;
}

TEST(Sweep, EveryCombinationTheFirstAxisSlowest) {
  Sweep sweep = oran();
  set_axis(sweep, {"rank", {"4", "8"}});
  set_axis(sweep, {"seed", {"42", "43"}});
  const std::vector<PlannedRun> runs = plan_runs(sweep);
  EXPECT_THAT(names(runs), ElementsAre("r4-s42", "r4-s43", "r8-s42", "r8-s43"));
  EXPECT_EQ(runs[2].recipe.rank, 8);
  EXPECT_EQ(runs[1].recipe.seed, 43);
  EXPECT_THAT(runs[3].values, ElementsAre(Pair("rank", "8"), Pair("seed", "43")));
  EXPECT_EQ(value_of(runs[3], "rank"), "8");
  EXPECT_EQ(value_of(runs[3], "alpha"), "");
}

TEST(Sweep, FilesHoldListsAndRanges) {
  const Sweep sweep = read_sweep(
      "recipe: {category: oran-bench, epochs: 1}\n"
      "axes:\n"
      "  rank: [4]\n"
      "  learning_rate: {from: 1e-4, to: 1e-2, points: 3, scale: log}\n"
      "  target_modules: [all-linear, [q_proj, v_proj]]\n",
      "s.yaml");
  const std::vector<PlannedRun> runs = plan_runs(sweep);
  ASSERT_EQ(runs.size(), 6U);
  EXPECT_DOUBLE_EQ(runs[2].recipe.learning_rate, 1e-3);
  EXPECT_EQ(runs[1].recipe.epochs, 1);
  EXPECT_THAT(runs[1].recipe.target_modules, ElementsAre("q_proj", "v_proj"));
  const std::vector<std::string> all = names(runs);
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), 6U);
}

TEST(Sweep, DrawnCombinationsAreDistinctAndTheSameForASeed) {
  Sweep sweep = oran();
  set_axis(sweep, {"rank", {"1", "2", "3", "4", "5", "6", "7", "8"}});
  set_axis(sweep, {"seed", {"1", "2", "3", "4"}});
  sweep.runs = 5;
  const std::vector<std::string> drawn = names(plan_runs(sweep));
  EXPECT_EQ(std::set<std::string>(drawn.begin(), drawn.end()).size(), 5U);
  EXPECT_EQ(names(plan_runs(sweep)), drawn);
  sweep.seed = 7;
  EXPECT_NE(names(plan_runs(sweep)), drawn);
  sweep.runs = 33;
  EXPECT_THAT(error_of(ErrorKind::kUsage, [&] { plan_runs(sweep); }), HasSubstr("at most 32"));
}

TEST(Sweep, WhatMakesNoSenseIsNamed) {
  Sweep sweep = oran();
  EXPECT_THAT(error_of(ErrorKind::kUsage, [&] { plan_runs(sweep); }), HasSubstr("no runs"));
  EXPECT_THAT(error_of(ErrorKind::kConfig,
                       [&] {
                         set_axis(sweep, {"rnak", {"4"}});
                       }),
              HasSubstr("did you mean rank?"));
  EXPECT_THAT(error_of(ErrorKind::kUsage,
                       [&] {
                         set_axis(sweep, {"rank", {"4", "4"}});
                       }),
              HasSubstr("twice"));
  set_axis(sweep, {"rank", {"0"}});
  EXPECT_THAT(error_of(ErrorKind::kConfig, [&] { plan_runs(sweep); }), HasSubstr("rank"));
  EXPECT_THAT(error_of(ErrorKind::kUsage, [] { list_items("--ranks", "4,,8"); }),
              HasSubstr("--ranks"));
  for (const char* yaml : {"axis: {rank: [4]}\n", "axes: {rank: 4}\n",
                           "axes: {rank: {from: 8, to: 4, points: 2, scale: linear}}\n",
                           "axes: {rank: {from: 0, to: 4, points: 2, scale: log}}\n",
                           "axes: {rank: [4]}\nruns: 0\n", "recipe: {rnak: 4}\n"}) {
    error_of(ErrorKind::kConfig, [&] { read_sweep(yaml, "s.yaml"); });
  }
}

TEST(PlanFile, ReadsBackWhatWasWritten) {
  const Scratch folder;
  Sweep sweep = oran();
  set_axis(sweep, {"rank", {"4", "8", "16"}});
  Plan plan{plan_runs(sweep), {}};
  plan.tasks = make_tasks(plan.runs, 2);
  write_plan(folder / "plan.json", plan);
  const Plan read = read_plan(folder / "plan.json");
  EXPECT_EQ(plan_digest(read.runs), plan_digest(plan.runs));
  EXPECT_EQ(read.tasks, plan.tasks);
  EXPECT_EQ(read.runs[1].recipe, plan.runs[1].recipe);
  std::string text = read_text(folder / "plan.json");
  text.replace(text.find("r16"), 3, "r17");
  publish(folder / "plan.json", text);
  EXPECT_THAT(error_of(ErrorKind::kData, [&] { read_plan(folder / "plan.json"); }),
              HasSubstr("digest"));
}

TEST(PlanFile, TasksShareABackboneAndAreSpreadOverJobs) {
  Sweep sweep = oran();
  set_axis(sweep, {"rank", {"4", "8", "16"}});
  set_axis(sweep, {"precision", {"bf16", "f32"}});
  const std::vector<PlannedRun> runs = plan_runs(sweep);
  EXPECT_THAT(make_tasks(runs, 1), ElementsAre(ElementsAre(0, 2, 4), ElementsAre(1, 3, 5)));
  EXPECT_THAT(make_tasks(runs, 4),
              ElementsAre(ElementsAre(0, 2), ElementsAre(1, 3), ElementsAre(4), ElementsAre(5)));
  EXPECT_EQ(make_tasks(runs, 50).size(), 6U);
}

}  // namespace
}  // namespace telora
