// lora-train with several runs in one process, as a user meets it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "core/digest.h"
#include "core/files.h"
#include "tests/golden/scratch.h"
#include "tests/tools/program.h"

namespace telora {
namespace {

namespace fs = std::filesystem;
using golden::Scratch;
using testing::AllOf;
using testing::HasSubstr;

std::vector<std::string> ranks(const std::string& list, const std::string& out, int steps) {
  std::vector<std::string> arguments = {"--category",
                                        "oran-bench",
                                        "--data",
                                        "sample",
                                        "--rank",
                                        list,
                                        "--out",
                                        out,
                                        "--no-eval",
                                        "--max-steps",
                                        std::to_string(steps)};
  for (const char* setting : {"batch_size=1", "checkpoint_every=1", "evaluations_per_epoch=0",
                              "dropout=0.1", "warmup_min_steps=2"}) {
    arguments.insert(arguments.end(), {"--set", setting});
  }
  return arguments;
}

std::string adapter_digest(const fs::path& run) {
  return sha256_file(run / "adapter_model.safetensors");
}

int64_t peak_bytes(const fs::path& run) {
  return nlohmann::json::parse(read_text(run / "summary.json"))["peak_rss_bytes"];
}

class TrainRanks : public testing::Test {
 protected:
  void SetUp() override {
    if (smollm2_path().empty())
      GTEST_SKIP() << "models/smollm2-135m-instruct.gguf is absent: run tools/setup.sh";
  }
  // Starts two ranks, interrupts them after a few steps of each.
  void interrupt_two(const std::string& out) {
    const pid_t process = start_program("lora-train", ranks("2,4", out, 2000), folder_.path());
    while (!fs::exists(fs::path(out) / "oran-bench-r4/checkpoints/step-000002/manifest.json"))
      usleep(20'000);
    kill(process, SIGTERM);
    EXPECT_EQ(wait_program(process), 143);
  }
  Scratch folder_;
};

TEST_F(TrainRanks, TogetherEqualsAloneAndHoldsTheWeightsOnce) {
  const fs::path together = folder_ / "together";
  const ProgramResult result = run_program("lora-train", ranks("2,4,8", together, 3));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("oran-bench-r2"), HasSubstr("lora-eval run"),
                                HasSubstr("--adapter " + (together / "oran-bench-r8").string())));
  const fs::path alone = folder_ / "alone";
  ASSERT_EQ(run_program("lora-train", ranks("8", alone, 3)).exit_code, 0);
  EXPECT_EQ(adapter_digest(together / "oran-bench-r8"), adapter_digest(alone));
  EXPECT_NE(adapter_digest(together / "oran-bench-r2"), adapter_digest(together / "oran-bench-r8"));
  // Two more adapters of ranks 2 and 4 are 40 MB with their moments; weights are 269 MB at least.
  EXPECT_LT(peak_bytes(together / "oran-bench-r8"), peak_bytes(alone) + 150'000'000);
}

TEST_F(TrainRanks, ASignalStopsAllAndTheFolderIsResumed) {
  const std::string out = folder_ / "runs";
  interrupt_two(out);
  EXPECT_THAT(read_text(folder_ / "out"),
              HasSubstr("--resume " + out + "/oran-bench-r2 --resume " + out + "/oran-bench-r4"));
  for (const char* name : {"oran-bench-r2", "oran-bench-r4"}) {
    EXPECT_FALSE(fs::exists(fs::path(out) / name / "telora.json"));
  }
  const pid_t again = start_program("lora-train", {"--resume", out, "--no-eval"}, folder_.path());
  while (read_text(folder_ / "err").find("resumed from checkpoint") == std::string::npos)
    usleep(20'000);
  usleep(500'000);
  kill(again, SIGINT);
  EXPECT_EQ(wait_program(again), 130);
}

TEST_F(TrainRanks, ARunThatFailsLeavesTheOthersAndExits1) {
  const fs::path out = folder_ / "runs";
  const ProgramResult whole = run_program("lora-train", ranks("2,4", folder_ / "whole", 3));
  ASSERT_EQ(whole.exit_code, 0) << whole.err;
  for (const char* name : {"oran-bench-r2", "oran-bench-r4"}) {
    fs::create_directories(out / name);
    fs::copy(folder_ / "whole" / name, out / name, fs::copy_options::recursive);
    fs::remove(out / name / "telora.json");
  }
  for (const auto& entry : fs::directory_iterator(out / "oran-bench-r2/checkpoints")) {
    fs::resize_file(entry.path() / "state.safetensors", 100);
  }
  const ProgramResult result =
      run_program("lora-train", {"--resume", out.string(), "--no-eval", "--quiet"});
  EXPECT_EQ(result.exit_code, 1) << result.err;
  EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
  EXPECT_THAT(result.err, AllOf(HasSubstr("error: oran-bench-r2: "), HasSubstr("damaged")));
  EXPECT_FALSE(fs::exists(out / "oran-bench-r2/telora.json"));
  EXPECT_EQ(adapter_digest(out / "oran-bench-r4"), adapter_digest(folder_ / "whole/oran-bench-r4"));
}

TEST_F(TrainRanks, ProfileIsPrintedAndWritten) {
  std::vector<std::string> arguments = ranks("2", folder_ / "run", 3);
  arguments.emplace_back("--profile");
  const ProgramResult result = run_program("lora-train", arguments);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  for (const char* part : {"forward", "backward", "optimizer", "checkpoint", "load", "data",
                           "GFLOP/s", "activations"}) {
    EXPECT_THAT(result.out, HasSubstr(part));
  }
  const auto profile = nlohmann::json::parse(read_text(folder_ / "run/profile.json"));
  EXPECT_GT(profile["gemm_share"], 0.01);
  EXPECT_LT(profile["gemm_share"], 2.0);
}

TEST_F(TrainRanks, WrongListsAreOneLine) {
  for (const char* list : {"4,", "4,4", "4,193"}) {
    const ProgramResult result = run_program("lora-train", ranks(list, folder_ / "run", 3));
    EXPECT_GT(result.exit_code, 63);
    const std::string line = result.err.substr(result.err.find("error: "));
    EXPECT_EQ(std::ranges::count(line, '\n'), 1) << result.err;
    EXPECT_FALSE(fs::exists(folder_ / "run/oran-bench-r4/recipe.yaml"));
  }
}

}  // namespace
}  // namespace telora
