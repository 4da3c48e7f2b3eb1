// --device cuda where no GPU is at hand: one line that says what to do, and nothing begun.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/golden/scratch.h"
#include "tests/tools/program.h"

namespace telora {
namespace {

using golden::Scratch;
using testing::HasSubstr;
using testing::StartsWith;

void expect_unavailable(const std::string& program, std::vector<std::string> arguments) {
  arguments.insert(arguments.end(), {"--device", "cuda"});
  const ProgramResult result = run_program(program, arguments);
  if (result.exit_code == 0) GTEST_SKIP() << "there is a GPU";
  EXPECT_EQ(result.exit_code, 69) << result.err;
  EXPECT_THAT(result.err, StartsWith("error: --device: found "));
  EXPECT_THAT(result.err, HasSubstr("use --device cpu"));
  EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
}

TEST(Device, InspectLogits) { expect_unavailable("lora-inspect", {"logits", "--tokens", "1"}); }

TEST(Device, InspectGenerate) { expect_unavailable("lora-inspect", {"generate", "--tokens", "1"}); }

TEST(Device, Eval) {
  expect_unavailable("lora-eval", {"run", "--category", "oran-bench", "--data", "sample"});
}

TEST(Device, TrainMakesNoFolder) {
  const Scratch scratch;
  const std::string out = scratch / "run";
  expect_unavailable("lora-train", {"--category", "oran-bench", "--data", "sample", "--max-steps",
                                    "1", "--no-eval", "--out", out});
  EXPECT_TRUE(IsSkipped() || !std::filesystem::exists(out));
}

}  // namespace
}  // namespace telora
