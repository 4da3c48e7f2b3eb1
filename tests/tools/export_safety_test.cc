// lora-export where disks are full and processes are killed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>

#include "core/files.h"
#include "core/subprocess.h"
#include "tests/golden/scratch.h"
#include "tests/tools/program.h"

namespace telora {
namespace {

namespace fs = std::filesystem;
using golden::Scratch;
using testing::HasSubstr;

class ExportSafety : public testing::Test {
 protected:
  // One run of a few steps for all tests.
  static void SetUpTestSuite() {
    if (smollm2_path().empty()) return;
    folder_ = std::make_unique<Scratch>();
    const ProgramResult trained =
        run_program("lora-train", {"--category", "3gpp-tsg", "--rank", "4", "--data", "sample",
                                   "--max-steps", "3", "--no-eval", "--set", "learning_rate=2e-3",
                                   "--set", "batch_size=1", "--set", "warmup_min_steps=1", "--set",
                                   "evaluations_per_epoch=0", "--out", *folder_ / "run"});
    ASSERT_EQ(trained.exit_code, 0) << trained.err;
  }
  static void TearDownTestSuite() { folder_.reset(); }
  void SetUp() override {
    if (!folder_) GTEST_SKIP() << "models/smollm2-135m-instruct.gguf is absent: run tools/setup.sh";
  }

  // Hidden ones too.
  static std::vector<std::string> entries() {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_->path())) {
      names.push_back(entry.path().filename());
    }
    std::ranges::sort(names);
    return names;
  }

  static std::unique_ptr<Scratch> folder_;
};

std::unique_ptr<Scratch> ExportSafety::folder_;

// Files end at 512 KB: a write that goes on fails as on a full disk.
FinishedProgram run_on_small_disk(const std::string& program, const std::string& arguments) {
  return run_to_end(
      {"sh", "-c",
       "trap '' XFSZ; ulimit -f 1000; exec " TELORA_BIN_DIR "/" + program + " " + arguments});
}

TEST_F(ExportSafety, AFullDiskLeavesNothing) {
  const std::string common = " --adapter " + (*folder_ / "run").string() + " --out " +
                             (*folder_ / "out").string() + " --quiet";
  for (const std::string form :
       {"lora-export gguf", "lora-export peft", "lora-export merged-gguf --type f16",
        "lora-export bundle", "lora-adapters pack --rank 3"}) {
    const size_t blank = form.find(' ');
    const FinishedProgram result =
        run_on_small_disk(form.substr(0, blank), form.substr(blank) + common);
    EXPECT_EQ(result.exit_code, 74) << form << result.err;
    EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << form << result.err;
    EXPECT_EQ(entries(), std::vector<std::string>{"run"}) << form;
  }
}

TEST_F(ExportSafety, KilledAnywhereTheTargetIsWholeOrNotThere) {
  const std::vector<std::string> arguments = {"merged-gguf", "--adapter",         *folder_ / "run",
                                              "--out",       *folder_ / "m.gguf", "--type",
                                              "f16",         "--weights-only"};
  const Scratch logs;
  for (int i = 0; i < 10; ++i) {
    const pid_t process = start_program("lora-export", arguments, logs.path());
    std::this_thread::sleep_for(std::chrono::milliseconds(100 + 150 * i));
    ::kill(process, SIGKILL);
    if (wait_program(process) == 0) fs::remove(*folder_ / "m.gguf");  // it was faster
    ASSERT_FALSE(fs::exists(*folder_ / "m.gguf"));
  }
  const ProgramResult whole = run_program("lora-export", arguments);
  EXPECT_EQ(whole.exit_code, 0) << whole.err;
  EXPECT_EQ(entries(), (std::vector<std::string>{"m.gguf", "run"}));
}

TEST_F(ExportSafety, InterruptedItLeavesNothing) {
  const Scratch logs;
  const pid_t process = start_program(
      "lora-export",
      {"gguf", "--adapter", *folder_ / "run", "--out", *folder_ / "a.gguf", "--rows", "100000"},
      logs.path());
  std::this_thread::sleep_for(std::chrono::seconds(4));
  ::kill(process, SIGINT);
  EXPECT_EQ(wait_program(process), 130);
  EXPECT_FALSE(fs::exists(*folder_ / "a.gguf"));
  ASSERT_EQ(run_program("lora-export", {"gguf", "--adapter", *folder_ / "run", "--out",
                                        *folder_ / "a.gguf", "--rows", "1"})
                .exit_code,
            0);
  fs::remove(*folder_ / "m.gguf");
  EXPECT_EQ(entries(), (std::vector<std::string>{"a.gguf", "run"}));
}

}  // namespace
}  // namespace telora
