#include "tools/train_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "core/files.h"
#include "tests/golden/scratch.h"

namespace telora {
namespace {

using testing::HasSubstr;
using testing::Not;

std::vector<RunRequest> requests(const std::vector<std::string>& folders) {
  std::vector<RunRequest> requests;
  for (const std::string& folder : folders) {
    requests.emplace_back();
    requests.back().out = folder;
  }
  return requests;
}

// What `show` writes for runs in `folders`, where there is no terminal.
template <typename Show>
std::string shown(const std::vector<std::string>& folders, const Show& show) {
  const golden::Scratch scratch;
  std::FILE* out = std::fopen((scratch / "out").c_str(), "w");
  {
    Console console({.out = out});
    TrainView view(console, requests(folders));
    show(view.watchers());
  }
  std::fclose(out);
  return read_text(scratch / "out");
}

std::vector<std::pair<std::string, std::string>> header_of(const std::string& rank) {
  return {{"backbone", "small"},      {"adapter", "rank " + rank}, {"data", "oran-bench from x"},
          {"rows", "9 training"},     {"tokens", "99 an epoch"},   {"steps", "5 of 2 rows"},
          {"folder", "runs/r" + rank}};
}

TEST(TrainView, RunsAreNamedByTheirFolders) {
  EXPECT_THAT(run_names(requests({"runs/a-r4", "./b/", "c/../d-r8"})),
              testing::ElementsAre("a-r4", "b", "d-r8"));
}

// A constant answer shows in the balanced accuracy; where nothing is selected, nothing is claimed.
TEST(TrainView, AnEvaluationSaysWhatWasMeasured) {
  const auto line = [](const EvaluationRecord& record) {
    return shown({"runs/a"}, [&](const auto& watchers) { watchers[0].on_evaluation(record); });
  };
  EvaluationRecord record{.step = 15, .epoch = 0.5, .loss = 0.25};
  EXPECT_EQ(line(record), "  step   15  epoch 0.50  validation loss 0.2500\n");
  record.selection_accuracy = 0.767;
  record.balanced_accuracy = 0.25;
  record.best = true;
  EXPECT_EQ(line(record),
            "  step   15  epoch 0.50  validation loss 0.2500  selection accuracy 76.7 %, balanced "
            "25.0 %  best\n");
  record = {.step = 15, .epoch = 0.5, .loss = 0.25, .rotated_accuracy = 0.27};
  EXPECT_EQ(line(record),
            "  step   15  epoch 0.50  validation loss 0.2500  options moved: accuracy 27.0 %\n");
}

TEST(TrainView, WhatRunsShareIsSaidOnce) {
  const std::string text = shown({"runs/r4", "runs/r8"}, [](const auto& watchers) {
    watchers[0].on_header(header_of("4"));
    watchers[1].on_header(header_of("8"));
  });
  EXPECT_EQ(text.find("small"), text.rfind("small"));
  EXPECT_EQ(text.find("9 training"), text.rfind("9 training"));
  EXPECT_THAT(text, HasSubstr("r4: rank 4; steps 5 of 2 rows; runs/r4\n"));
  EXPECT_THAT(text, HasSubstr("r8: rank 8;"));
}

TEST(TrainView, OneLineOfProgressCountsTheStepsOfAll) {
  const std::string text = shown({"runs/r4", "runs/r8"}, [](const auto& watchers) {
    watchers[0].on_step({.step = 1, .loss = 2}, 5);
    watchers[1].on_step({.step = 1, .loss = 3}, 7);
    watchers[1].on_evaluation({.step = 1, .n = 9, .loss = 4});
    watchers[1].on_step({.step = 2, .loss = 1}, 7);
  });
  EXPECT_THAT(text, HasSubstr("train 1/10  r4  loss 2.0000"));
  EXPECT_THAT(text, HasSubstr("train 3/12  r8  loss 1.0000"));
  EXPECT_THAT(text, HasSubstr("  r8  step    1  epoch"));
}

TEST(TrainView, OneRunIsNotNamed) {
  const std::string text = shown({"runs/r4"}, [](const auto& watchers) {
    watchers[0].on_header(header_of("4"));
    watchers[0].on_progress("validate", 9, 9);
    watchers[0].on_step({.step = 5, .loss = 2}, 5);
    watchers[0].on_evaluation({.step = 5, .n = 9, .loss = 4});
  });
  EXPECT_THAT(text, HasSubstr("adapter:  rank 4\n"));
  EXPECT_THAT(text, HasSubstr("validate 9/9\n"));
  EXPECT_THAT(text, HasSubstr("train 5/5  loss 2.0000"));
  EXPECT_THAT(text, Not(HasSubstr("  r4")));
}

}  // namespace
}  // namespace telora
