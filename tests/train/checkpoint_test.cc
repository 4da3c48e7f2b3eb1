#include "train/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "backbone/torch.h"
#include "core/error.h"
#include "train/run_folder.h"

namespace telora {
namespace {

namespace fs = std::filesystem;

TrainState state_at(int64_t step) {
  TrainState state;
  state.step = step;
  state.tokens_total = 100 * step;
  state.seconds = 0.1 * static_cast<double>(step);
  state.early_stop.observe(step, 0.5);
  state.parameters = torch::arange(4, torch::kFloat) + step;
  state.first_moment = state.parameters * 2;
  state.second_moment = state.parameters * 3;
  state.best_parameters = state.parameters * 4;
  return state;
}

const RunIdentity kIdentity = {{"data", "abc"}, {"recipe", "def"}};

class CheckpointTest : public testing::Test {
 protected:
  CheckpointTest() {
    std::string pattern = (fs::temp_directory_path() / "checkpoint-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~CheckpointTest() override { fs::remove_all(folder_); }

  void save(int64_t step, int64_t keep = 2) {
    save_checkpoint(folder_, state_at(step), kIdentity, keep);
  }
  fs::path state_file(const std::string& name) const {
    return folder_ / name / "state.safetensors";
  }

  std::vector<std::string> entries() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_))
      names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
  }

  fs::path folder_;
};

TEST_F(CheckpointTest, ReadsBackWhatWasSaved) {
  save(7);
  const auto loaded = load_newest_checkpoint(folder_);
  ASSERT_TRUE(loaded);
  const TrainState expected = state_at(7);
  EXPECT_EQ(loaded->name, "step-000007");
  EXPECT_EQ(loaded->state.step, 7);
  EXPECT_EQ(loaded->state.tokens_total, 700);
  EXPECT_EQ(loaded->state.seconds, expected.seconds);
  EXPECT_EQ(loaded->state.early_stop.best_step, 7);
  EXPECT_TRUE(loaded->state.parameters.equal(expected.parameters));
  EXPECT_TRUE(loaded->state.first_moment.equal(expected.first_moment));
  EXPECT_TRUE(loaded->state.second_moment.equal(expected.second_moment));
  EXPECT_TRUE(loaded->state.best_parameters.equal(expected.best_parameters));
  EXPECT_EQ(loaded->identity, kIdentity);
}

TEST_F(CheckpointTest, KeepsTheNewestOnly) {
  for (const int64_t step : {5, 10, 15}) save(step);
  EXPECT_THAT(entries(), testing::ElementsAre("step-000010", "step-000015"));
  EXPECT_EQ(load_newest_checkpoint(folder_)->state.step, 15);
}

TEST_F(CheckpointTest, NoneIsNoError) { EXPECT_FALSE(load_newest_checkpoint(folder_)); }

TEST_F(CheckpointTest, ADamagedOneIsSetAsideAndTheOneBeforeTaken) {
  save(5);
  save(10);
  fs::resize_file(state_file("step-000010"), fs::file_size(state_file("step-000010")) - 1);
  const auto loaded = load_newest_checkpoint(folder_);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->state.step, 5);
  EXPECT_THAT(loaded->damaged, testing::ElementsAre("step-000010"));
  EXPECT_THAT(entries(), testing::ElementsAre("step-000005", "step-000010.damaged"));
}

TEST_F(CheckpointTest, AFlippedByteIsDamage) {
  save(5);
  std::fstream file(state_file("step-000005"), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(-1, std::ios::end);
  file.put('\x7f');
  file.close();
  try {
    load_newest_checkpoint(folder_);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    EXPECT_THAT(error.what(), testing::HasSubstr("every checkpoint is damaged"));
    EXPECT_THAT(error.what(), testing::HasSubstr("sha256"));
  }
}

TEST_F(CheckpointTest, OtherInputsAreRefusedByName) {
  RunIdentity now = kIdentity;
  now["data"] = "xyz";
  EXPECT_NO_THROW(require_same_identity(kIdentity, kIdentity, "run"));
  try {
    require_same_identity(kIdentity, now, "run");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kConfig);
    EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("data"), testing::HasSubstr("abc"),
                                             testing::HasSubstr("xyz")));
  }
}

// What SIGKILL leaves: a temporary file, a step folder without manifest.
TEST_F(CheckpointTest, ResumingRemovesWhatAKilledProcessLeft) {
  std::ofstream(folder_ / "recipe.yaml") << "rank: 4\n";
  const fs::path checkpoints = folder_ / "checkpoints";
  save_checkpoint(checkpoints, state_at(5), kIdentity, 2);
  fs::create_directories(checkpoints / "step-000010");
  std::ofstream(checkpoints / "step-000010" / ".telora-tmp-123-0") << "half";
  std::ofstream(folder_ / ".telora-tmp-123-1") << "half";
  const RunFolder folder = RunFolder::resume(folder_);
  EXPECT_FALSE(fs::exists(folder_ / ".telora-tmp-123-1"));
  EXPECT_FALSE(fs::exists(checkpoints / "step-000010"));
  EXPECT_TRUE(fs::exists(folder_ / "recipe.yaml"));
  EXPECT_EQ(load_newest_checkpoint(folder.checkpoints())->state.step, 5);
}

}  // namespace
}  // namespace telora
