#include "ablate/follow.h"

#include <gtest/gtest.h>

#include "core/files.h"
#include "tests/golden/scratch.h"

namespace telora {
namespace {

using golden::Scratch;
using Stage = RunProgress::Stage;

TEST(RunFollower, ReadsARunAsItGrows) {
  const Scratch folder;
  RunFollower follower(folder.path(), 10, "selection_accuracy");
  EXPECT_EQ(follower.read().stage, Stage::kWaiting);
  const std::string one = R"({"step": 1, "loss": 2.5, "seconds": 3, "tokens_per_second": 100})";
  const std::string two = R"({"step": 2, "loss": 2.0, "seconds": 5, "tokens_per_second": 110})";
  const std::string evaluation =
      R"({"step": 2, "evaluation": "validation", "selection_accuracy": 0.5, "best": true, "seconds": 6})";
  publish(folder / "metrics.jsonl", one + "\n" + two.substr(0, 10));
  RunProgress now = follower.read();
  EXPECT_EQ(now.stage, Stage::kTraining);
  EXPECT_EQ(now.step, 1);
  EXPECT_EQ(now.loss, 2.5);
  publish(folder / "metrics.jsonl", one + "\n" + two + "\n" + evaluation + "\n");
  now = follower.read();
  EXPECT_EQ(now.step, 2);
  EXPECT_EQ(now.validation, 0.5);
  EXPECT_DOUBLE_EQ(now.seconds_left.value(), 16);  // eight steps of two seconds
  publish(folder / "metrics.jsonl", one + "\n");   // resumed from an earlier checkpoint
  EXPECT_EQ(follower.read().step, 1);
  publish(folder / "failure.txt", "the disk is full\n");
  EXPECT_EQ(follower.read().stage, Stage::kFailed);
  publish(folder / "telora.json", "{}");
  EXPECT_EQ(follower.read().stage, Stage::kFinished);
}

TEST(RunFollower, HostileLinesAreSkipped) {
  const Scratch folder;
  publish(folder / "metrics.jsonl", "\xff\n[]\n{\"step\": \"x\"}\n{\"step\": 3, \"loss\": null}\n");
  RunFollower follower(folder.path(), 10, "loss");
  EXPECT_EQ(follower.read().step, 3);
}

}  // namespace
}  // namespace telora
