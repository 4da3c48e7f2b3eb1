#include "train/run_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "tests/golden/scratch.h"

namespace telora {
namespace {

using golden::Scratch;

// A process killed before it wrote its recipe leaves the lock and an empty folder of checkpoints.
TEST(RunFolder, BegunButWithoutARecipeIsTakenAsNew) {
  const Scratch folder;
  { const RunFolder killed = RunFolder::create(folder / "run"); }
  ASSERT_TRUE(std::filesystem::exists(folder / "run/checkpoints"));
  EXPECT_NO_THROW(RunFolder::create(folder / "run"));
}

TEST(RunFolder, AnotherRunIsLeftAlone) {
  for (const char* trace : {"recipe.yaml", "metrics.jsonl", "checkpoints/step-2"}) {
    const Scratch folder;
    { const RunFolder other = RunFolder::create(folder / "run"); }
    publish(folder / "run" / trace, "something");
    try {
      RunFolder::create(folder / "run");
      ADD_FAILURE() << trace << " was not noticed";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kCannotCreate);
    }
    EXPECT_EQ(read_text(folder / "run" / trace), "something");
  }
}

}  // namespace
}  // namespace telora
