// lora-ablate as a user meets it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/digest.h"
#include "core/files.h"
#include "tests/golden/scratch.h"
#include "tests/tools/program.h"

namespace telora {
namespace {

namespace fs = std::filesystem;
using golden::Scratch;
using nlohmann::json;
using testing::HasSubstr;

std::vector<std::string> sweep(const std::string& out, const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments = {"--category", "oran-bench", "--data", "sample",
                                        "--ranks",    "2,3",        "--out",  out};
  for (const char* setting : {"batch_size=1", "max_steps=6", "checkpoint_every=1",
                              "evaluations_per_epoch=0", "warmup_min_steps=1"}) {
    arguments.insert(arguments.end(), {"--set", setting});
  }
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

class AblateProgram : public testing::Test {
 protected:
  // One finished sweep, which the others are held against.
  static void SetUpTestSuite() {
    if (smollm2_path().empty()) return;
    folder_ = std::make_unique<Scratch>();
    const ProgramResult result = run_program("lora-ablate", sweep(*folder_ / "whole"));
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }
  static void TearDownTestSuite() { folder_.reset(); }
  void SetUp() override {
    if (!folder_) GTEST_SKIP() << "models/smollm2-135m-instruct.gguf is absent: run tools/setup.sh";
  }

  // Everything of a sweep that does not depend on the machine's speed.
  static json facts(const std::string& name) {
    json report = json::parse(read_text(*folder_ / (name + "/ablation.json")));
    for (const char* list : {"groups", "runs"}) {
      for (json& one : report[list]) {
        for (const char* key : {"train_seconds", "tokens_per_second", "peak_rss_bytes"}) {
          one.erase(key);
        }
      }
    }
    for (const char* run : {"r2", "r3"}) {
      report["digests"][run] =
          sha256_file(*folder_ / (name + "/runs/" + run + "/adapter_model.safetensors"));
    }
    return report;
  }

  static std::unique_ptr<Scratch> folder_;
};

std::unique_ptr<Scratch> AblateProgram::folder_;

TEST_F(AblateProgram, WritesTableJsonAndPage) {
  const json report = facts("whole");
  EXPECT_EQ(report.at("schema_version"), 1);
  EXPECT_EQ(report.at("groups").size(), 2U);
  EXPECT_EQ(report.at("groups")[0].at("name"), "rank 2");
  EXPECT_LT(report.at("runs")[0].at("adapter_bytes"), report.at("runs")[1].at("adapter_bytes"));
  EXPECT_THAT(read_text(*folder_ / "whole/ablation.html"), HasSubstr("Ablation: oran-bench"));
  const ProgramResult again = run_program("lora-ablate", {"report", *folder_ / "whole"});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr("rank 3"));
}

TEST_F(AblateProgram, AFinishedSweepIsNotTrainedAgain) {
  const std::string before = folder_state(*folder_ / "whole/runs");
  const ProgramResult again = run_program("lora-ablate", sweep(*folder_ / "whole"));
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(folder_state(*folder_ / "whole/runs"), before);
}

TEST_F(AblateProgram, TwoProcessesGiveTheSameAdapters) {
  const ProgramResult result = run_program(
      "lora-ablate", sweep(*folder_ / "jobs", {"--jobs", "2", "--quiet", "--tensorboard"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_GT(fs::file_size(*folder_ / "jobs/runs/r3/events.out.tfevents.telora"), 500U);
  EXPECT_EQ(facts("jobs"), facts("whole"));
}

TEST_F(AblateProgram, KilledAnywhereItGoesOn) {
  const Scratch logs;
  for (int i = 0; i < 6; ++i) {
    const pid_t process = start_program("lora-ablate", sweep(*folder_ / "killed"), logs.path());
    usleep(700'000 + 900'000 * static_cast<useconds_t>(i));
    ::kill(process, SIGKILL);
    wait_program(process);
  }
  ProgramResult last;
  // The worker of the killed driver may hold its folders for a moment.
  for (int i = 0; i < 5 && last.exit_code != 0; ++i) {
    last = run_program("lora-ablate", sweep(*folder_ / "killed"));
  }
  ASSERT_EQ(last.exit_code, 0) << last.err;
  EXPECT_EQ(facts("killed"), facts("whole"));
}

TEST_F(AblateProgram, InterruptedItSavesAndSaysSo) {
  const Scratch logs;
  const pid_t process =
      start_program("lora-ablate", sweep(*folder_ / "stopped", {"--no-eval"}), logs.path());
  while (!fs::exists(*folder_ / "stopped/runs/r3/checkpoints/step-000001/manifest.json")) {
    usleep(10'000);
  }
  ::kill(process, SIGINT);
  EXPECT_EQ(wait_program(process), 130);
  const ProgramResult last = run_program("lora-ablate", sweep(*folder_ / "stopped", {"--no-eval"}));
  EXPECT_EQ(last.exit_code, 0) << last.err;
  EXPECT_THAT(last.out, HasSubstr("No run has been scored."));
  for (const char* run : {"r2", "r3"}) {
    const auto adapter = [&](const char* name) {
      return sha256_file(*folder_ / name / "runs" / run / "adapter_model.safetensors");
    };
    EXPECT_EQ(adapter("stopped"), adapter("whole"));
  }
}

TEST_F(AblateProgram, ARunThatFailsEndsAlone) {
  const auto broken = *folder_ / "broken";
  fs::create_directories(broken / "runs/r3/metrics.jsonl");  // where a file must be
  fs::copy(*folder_ / "whole/plan.json", broken / "plan.json");
  fs::copy(*folder_ / "whole/runs/r3/recipe.yaml", broken / "runs/r3/recipe.yaml");
  const ProgramResult result = run_program("lora-ablate", sweep(broken));
  EXPECT_EQ(result.exit_code, 1) << result.err;
  EXPECT_TRUE(fs::exists(broken / "runs/r2/telora.json"));
  EXPECT_THAT(result.out, HasSubstr("r3: failed: "));
  EXPECT_THAT(result.out, HasSubstr("metrics.jsonl"));
  EXPECT_THAT(result.out, HasSubstr("1 of 2"));
}

TEST_F(AblateProgram, WrongRequestsAreOneLine) {
  const std::string before = folder_state(*folder_ / "whole");
  expect_refused(run_program("lora-ablate", sweep(*folder_ / "whole", {"--ranks", "4"})), 64,
                 {"--ranks"});
  expect_refused(run_program("lora-ablate", sweep(*folder_ / "whole", {"--seeds", "1,2"})), 73,
                 {"another sweep", "--out"});
  expect_refused(run_program("lora-ablate", sweep(*folder_ / "new", {"--seeds", "1,,2"})), 64,
                 {"--seeds"});
  expect_refused(run_program("lora-ablate", {"--category", "oran-bench", "--out", "none"}), 64,
                 {"no runs"});
  expect_refused(run_program("lora-ablate", sweep(*folder_ / "new", {"--set", "rnak=4"})), 78,
                 {"rnak", "rank"});
  publish(*folder_ / "sweep.yaml", "axes: {rnak: [4]}\n");
  expect_refused(run_program("lora-ablate", {"--sweep", *folder_ / "sweep.yaml"}), 78,
                 {"rnak", "did you mean rank?"});
  expect_refused(run_program("lora-ablate", {"--category", "oran-bench", "--data", "sample",
                                             "--ranks", "4,5000", "--out", *folder_ / "large"}),
                 78, {"5000"});
  fs::create_directory(*folder_ / "mine");
  publish(*folder_ / "mine/file", "mine");
  expect_refused(run_program("lora-ablate", sweep(*folder_ / "mine")), 73, {"mine"});
  EXPECT_FALSE(fs::exists(*folder_ / "large"));
  EXPECT_EQ(folder_state(*folder_ / "whole"), before);
}

}  // namespace
}  // namespace telora
