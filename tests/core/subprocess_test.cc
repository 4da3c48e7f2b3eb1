#include "core/subprocess.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace telora
