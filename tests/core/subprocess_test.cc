#include "core/subprocess.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "core/files.h"
#include "tests/core/support.h"

namespace telora {
namespace {

TEST(Subprocess, GivesWhatAProgramPrintsAndItsExitCode) {
  const FinishedProgram program = run_to_end({"sh", "-c", "echo out; echo bad >&2; exit 3"});
  EXPECT_EQ(program.exit_code, 3);
  EXPECT_EQ(program.out, "out\n");
  EXPECT_EQ(program.err, "bad\n");
}

TEST(Subprocess, ArgumentsAreNotReadByAShell) {
  EXPECT_EQ(run_to_end({"printf", "%s|", "$HOME", "a b", "*"}).out, "$HOME|a b|*|");
}

TEST(Subprocess, StandardInputIsEmpty) { EXPECT_EQ(run_to_end({"cat"}).out, ""); }

TEST(Subprocess, LongOutputIsWhole) {
  EXPECT_EQ(run_to_end({"sh", "-c", "head -c 3000000 /dev/zero"}).out.size(), 3'000'000U);
}

TEST(Subprocess, ASignalIsAnExitCodeToo) {
  EXPECT_EQ(run_to_end({"sh", "-c", "kill -9 $$"}).exit_code, 128 + 9);
}

TEST(Subprocess, AProgramThatIsNotThereIsNamed) {
  const std::string message =
      error_of(ErrorKind::kMissing, [] { run_to_end({"no-such-program"}); });
  EXPECT_TRUE(names(message, {"no-such-program"}));
}

TEST(ChildProcessTest, RunsBesideAndItsOutputIsAppended) {
  const TempFolder folder;
  publish(folder / "log", "before\n");
  ChildProcess child({"sh", "-c", "echo out; echo err >&2; exit 4"}, folder / "log");
  while (!child.exit_code()) ::usleep(1000);
  EXPECT_EQ(child.exit_code(), 4);
  EXPECT_EQ(file_bytes(folder / "log"), "before\nout\nerr\n");
}

TEST(ChildProcessTest, SignalsReachIt) {
  const TempFolder folder;
  ChildProcess child({"sleep", "60"}, folder / "log");
  EXPECT_FALSE(child.exit_code());
  child.signal(SIGTERM);
  while (!child.exit_code()) ::usleep(1000);
  EXPECT_EQ(child.exit_code(), 128 + SIGTERM);
  child.signal(SIGTERM);  // of no effect now
}

TEST(ChildProcessTest, EndsWithItsOwner) {
  const TempFolder folder;
  {
    const ChildProcess child({"sh", "-c", "echo $$; exec sleep 60"}, folder / "log");
    while (file_bytes(folder / "log").empty()) ::usleep(1000);
  }
  EXPECT_NE(::kill(std::stoi(file_bytes(folder / "log")), 0), 0);
}

}  // namespace
}  // namespace telora
