#include "ablate/slurm_script.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/files.h"
#include "core/subprocess.h"
#include "tests/golden/scratch.h"

namespace telora {
namespace {

using golden::Scratch;
using testing::HasSubstr;
using testing::Not;

TEST(SlurmScript, RangesOfTasks) {
  EXPECT_EQ(array_ranges({0, 1, 2, 3, 7}), "0-3,7");
  EXPECT_EQ(array_ranges({5}), "5");
  EXPECT_EQ(array_ranges({1, 3, 4}), "1,3-4");
}

TEST(SlurmScript, OnlyWhatWasAskedForIsWritten) {
  const std::string plain = slurm_script({.program = "/bin/x", .folder = "/s", .tasks = {0, 1}});
  EXPECT_THAT(plain, HasSubstr("#SBATCH --array=0-1\n"));
  EXPECT_THAT(plain, HasSubstr("#SBATCH --signal=B:TERM@60\n"));
  for (const char* option : {"--time", "--mem", "--partition", "--account", "--cpus"}) {
    EXPECT_THAT(plain, Not(HasSubstr(option)));
  }
  const std::string full =
      slurm_script({.program = "/bin/x",
                    .folder = "/s",
                    .tasks = {2},
                    .evaluate_test = false,
                    .options = {.partition = "p", .time = "1:00", .cpus = 8, .at_once = 3}});
  EXPECT_THAT(full, HasSubstr("#SBATCH --array=2%3\n"));
  EXPECT_THAT(full, HasSubstr("#SBATCH --cpus-per-task=8\n"));
  EXPECT_THAT(full, HasSubstr(" --no-eval &\n"));
}

// The script is run here by sh, with a worker and an scontrol that are scripts too.
class SlurmShell : public testing::Test {
 protected:
  FinishedProgram run(const std::string& worker) {
    const std::string folder = folder_.path().string();
    publish(folder_ / "worker", "#!/bin/sh\n" + worker);
    publish(folder_ / "scontrol", "#!/bin/sh\necho \"$@\" > " + folder + "/requeued\n");
    publish(folder_ / "job.sh",
            slurm_script(
                {.program = folder + "/worker", .folder = folder + "/it's here", .tasks = {3}}));
    return run_to_end({"sh", "-c",
                       "cd " + folder + " && chmod +x worker scontrol && PATH=" + folder +
                           ":$PATH SLURM_ARRAY_JOB_ID=9 SLURM_ARRAY_TASK_ID=3 sh job.sh"});
  }
  Scratch folder_;
};

TEST_F(SlurmShell, TheWorkersExitCodeIsTheTasks) {
  EXPECT_EQ(run("exit 0\n").exit_code, 0);
  EXPECT_EQ(run("exit 1\n").exit_code, 1);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "requeued"));
}

TEST_F(SlurmShell, TheWorkerGetsFolderAndTask) {
  run("printf '%s|' \"$@\" > " + (folder_ / "arguments").string() + "\n");
  EXPECT_EQ(read_text(folder_ / "arguments"),
            "work|" + folder_.path().string() + "/it's here|--task|3|");
}

TEST_F(SlurmShell, ATaskThatWasStoppedGoesBackIntoTheQueue) {
  const FinishedProgram job =
      run("trap 'sleep 0.3; exit 75' TERM\nkill -TERM $PPID\nwhile :; do sleep 0.1; done\n");
  EXPECT_EQ(job.exit_code, 0) << job.err;
  EXPECT_EQ(read_text(folder_ / "requeued"), "requeue 9_3\n");
}

TEST_F(SlurmShell, UnlessTheSweepIsStopped) {
  create_folders(folder_ / "it's here/slurm");
  publish(stop_mark(folder_ / "it's here"), "");
  EXPECT_EQ(run("exit 75\n").exit_code, 75);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "requeued"));
}

}  // namespace
}  // namespace telora
