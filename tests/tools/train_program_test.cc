// lora-train as a user meets it: killed, stopped, resumed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <random>

#include "core/digest.h"
#include "core/files.h"
#include "tests/golden/scratch.h"
#include "tests/tools/program.h"

namespace telora {
namespace {

using golden::Scratch;
using testing::HasSubstr;

std::vector<std::string> short_run(const std::string& out) {
  return {"--category",
          "oran-bench",
          "--data",
          "sample",
          "--rank",
          "4",
          "--out",
          out,
          "--no-eval",
          "--max-steps",
          "12",
          "--set",
          "batch_size=2",
          "--set",
          "checkpoint_every=2",
          "--set",
          "evaluations_per_epoch=20",
          "--set",
          "dropout=0.1",
          "--set",
          "warmup_min_steps=2"};
}

std::string adapter_digest(const std::filesystem::path& run) {
  return sha256_file(run / "adapter_model.safetensors");
}

// metrics.jsonl without its timings.
std::string log_of(const std::filesystem::path& run) {
  std::string log;
  for_each_line(run / "metrics.jsonl", [&](std::string_view line, int) {
    auto record = nlohmann::ordered_json::parse(line);
    record.erase("seconds");
    record.erase("tokens_per_second");
    log += record.dump() + "\n";
  });
  return log;
}

class TrainProgram : public testing::Test {
 protected:
  void SetUp() override {
    if (smollm2_path().empty())
      GTEST_SKIP() << "models/smollm2-135m-instruct.gguf is absent: run tools/setup.sh";
  }
};

// Kills a run and its resumptions at random moments until one gets through.
int run_with_kills(const std::vector<std::string>& arguments, const std::string& out,
                   const Scratch& log, int kills) {
  std::mt19937 random(std::random_device{}());
  std::vector<std::string> current = arguments;
  for (int i = 0; i < kills; ++i) {
    const pid_t process = start_program("lora-train", current, log.path());
    usleep(200'000 + random() % 7'000'000);
    kill(process, SIGKILL);
    if (wait_program(process) == 0) return 0;
    if (std::filesystem::exists(std::filesystem::path(out) / "recipe.yaml")) {
      current = {"--resume", out, "--no-eval"};
    }
  }
  return wait_program(start_program("lora-train", current, log.path()));
}

TEST_F(TrainProgram, KilledAtRandomAndResumedGivesTheSameAdapter) {
  const Scratch folder;
  const std::string whole = folder / "whole", killed = folder / "killed";
  ASSERT_EQ(run_program("lora-train", short_run(whole)).exit_code, 0);
  ASSERT_EQ(run_with_kills(short_run(killed), killed, folder, 4), 0) << read_text(folder / "err");
  EXPECT_EQ(adapter_digest(whole), adapter_digest(killed));
  EXPECT_EQ(log_of(whole), log_of(killed));
}

void expect_stop_and_resume(int signal) {
  const Scratch folder;
  const std::string run = folder / "run";
  std::vector<std::string> arguments = short_run(run);
  const pid_t process = start_program("lora-train", arguments, folder.path());
  while (!std::filesystem::exists(folder / "run/metrics.jsonl")) usleep(50'000);
  usleep(500'000);
  kill(process, signal);
  EXPECT_EQ(wait_program(process), 128 + signal);
  EXPECT_THAT(read_text(folder / "out"), HasSubstr("lora-train --resume " + run));
  EXPECT_FALSE(std::filesystem::exists(folder / "run/telora.json"));
  const ProgramResult resumed = run_program("lora-train", {"--resume", run, "--no-eval"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_TRUE(std::filesystem::exists(folder / "run/telora.json"));
}

TEST_F(TrainProgram, InterruptSavesAndExits130) { expect_stop_and_resume(SIGINT); }
TEST_F(TrainProgram, TerminateSavesAndExits143) { expect_stop_and_resume(SIGTERM); }

TEST_F(TrainProgram, WritesWhatTheRunFolderPromises) {
  const Scratch folder;
  const std::string run = folder / "run";
  std::vector<std::string> arguments = short_run(run);
  std::erase(arguments, "--no-eval");
  const ProgramResult result = run_program("lora-train", arguments);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  for (const char* name : {"recipe.yaml", "predictions-base.jsonl", "metrics.jsonl",
                           "adapter_config.json", "adapter_model.safetensors", "predictions.jsonl",
                           "report.json", "summary.json", "README.md", "telora.json"}) {
    EXPECT_TRUE(std::filesystem::exists(std::filesystem::path(run) / name)) << name;
  }
  EXPECT_THAT(result.out, HasSubstr("adapter"));
  EXPECT_THAT(result.out, HasSubstr("lora-eval run --category oran-bench"));
  const auto manifest =
      nlohmann::json::parse(read_text(std::filesystem::path(run) / "telora.json"));
  EXPECT_EQ(manifest["adapter_sha256"], adapter_digest(run));
  const std::string finished = folder_state(run);
  EXPECT_EQ(run_program("lora-train", {"--resume", run}).exit_code, 64);
  EXPECT_EQ(folder_state(run), finished);
  const ProgramResult scored =
      run_program("lora-eval", {"run", "--category", "oran-bench", "--adapter", run, "--data",
                                "sample", "--out", folder / "scores"});
  ASSERT_EQ(scored.exit_code, 0) << scored.err;
  const auto report = nlohmann::json::parse(read_text(folder / "scores/report.json"));
  const auto trained = nlohmann::json::parse(read_text(std::filesystem::path(run) / "report.json"));
  EXPECT_EQ(report["subjects"][1]["parts"], trained["subjects"][1]["parts"]);
}

TEST(Programs, HelpHasAnExampleAndVersionIsPrinted) {
  for (const char* name : {"lora-train", "lora-eval", "lora-data", "lora-inspect"}) {
    const ProgramResult help = run_program(name, {"--help"});
    EXPECT_EQ(help.exit_code, 0);
    EXPECT_THAT(help.out, HasSubstr("Example:"));
    const ProgramResult version = run_program(name, {"--version"});
    EXPECT_EQ(version.exit_code, 0);
    EXPECT_THAT(version.out, HasSubstr("telora 0."));
  }
}

}  // namespace
}  // namespace telora
