// What a user does wrong: one line on stderr that names file and field, the exit code of the
// contract, nothing published, earlier files untouched.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <algorithm>

#include "core/files.h"
#include "core/gguf.h"
#include "tests/golden/scratch.h"
#include "tests/tools/program.h"

namespace telora {
namespace {

namespace fs = std::filesystem;
using golden::Scratch;
using testing::HasSubstr;

void expect_refused(const std::vector<std::string>& arguments, int code,
                    const std::vector<std::string>& parts) {
  const ProgramResult result = run_program("lora-train", arguments);
  EXPECT_EQ(result.exit_code, code) << result.err;
  std::string line = result.err;
  const size_t begin = line.find("error: ");
  ASSERT_NE(begin, std::string::npos) << result.err;
  line = line.substr(begin);
  EXPECT_EQ(std::ranges::count(line, '\n'), 1) << result.err;
  for (const std::string& part : parts) EXPECT_THAT(line, HasSubstr(part));
}

class BadInput : public testing::Test {
 protected:
  void SetUp() override {
    if (smollm2_path().empty())
      GTEST_SKIP() << "models/smollm2-135m-instruct.gguf is absent: run tools/setup.sh";
  }
  void TearDown() override {
    EXPECT_FALSE(fs::exists(out() / "telora.json"));
    EXPECT_FALSE(fs::exists(out() / "adapter_model.safetensors"));
  }
  fs::path out() const { return folder_ / "run"; }
  std::vector<std::string> run_with(std::vector<std::string> more) const {
    std::vector<std::string> all{"--out", out().string(), "--no-eval"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  std::vector<std::string> sample_run(std::vector<std::string> more) const {
    more.insert(more.begin(), {"--category", "oran-bench", "--data", "sample"});
    return run_with(more);
  }
  // A copy of the backbone with the first bytes of one tensor replaced.
  fs::path changed_model(const std::string& tensor, const void* bytes, size_t count) const {
    const fs::path model = folder_ / "changed.gguf";
    fs::copy_file(smollm2_path(), model);
    const GgufFile file(model);
    const GgufTensor* found = file.find(tensor);
    std::FILE* raw = std::fopen(model.c_str(), "r+b");
    std::fseek(raw, static_cast<long>(found->offset), SEEK_SET);
    std::fwrite(bytes, 1, count, raw);
    std::fclose(raw);
    return model;
  }
  Scratch folder_;
};

TEST_F(BadInput, MissingData) {
  expect_refused(run_with({"--category", "oran-bench", "--data", (folder_ / "nowhere").c_str()}),
                 66, {"oran", "lora-data import"});
}

TEST_F(BadInput, WrongSchemaInRowThree) {
  const std::string good =
      R"({"question": "Q?", "choices": ["1. a", "2. b", "3. c", "4. d"], "answer": 0, "difficulty": "easy"})";
  const std::string bad =
      R"({"question": "Q?", "choices": ["1. a", "2. b", "3. c", "4. d"], "answer": 7, "difficulty": "easy"})";
  fs::create_directories(folder_ / "data");
  publish(folder_ / "data/oranbench.jsonl", good + "\n" + good + "\n" + bad + "\n");
  expect_refused(run_with({"--category", "oran-bench", "--data", (folder_ / "data").c_str()}), 65,
                 {"oranbench.jsonl", "answer", "3"});
}

TEST_F(BadInput, TruncatedGguf) {
  const fs::path model = folder_ / "cut.gguf";
  fs::copy_file(smollm2_path(), model);
  fs::resize_file(model, fs::file_size(model) / 2);
  expect_refused(sample_run({"--backbone", model.string()}), 65, {"cut.gguf", "found"});
}

TEST_F(BadInput, NanWeights) {
  const std::vector<uint16_t> nan{0x7e00};  // binary16, the scale of a block
  const fs::path model = changed_model("blk.3.ffn_up.weight", nan.data(), 2);
  expect_refused(sample_run({"--backbone", model.string()}), 65,
                 {"changed.gguf", "up_proj", "nan"});
}

TEST_F(BadInput, RankZero) { expect_refused(sample_run({"--rank", "0"}), 78, {"rank", "0"}); }
TEST_F(BadInput, RankAboveTheMatrix) {
  expect_refused(sample_run({"--rank", "193"}), 78, {"rank", "193", "192"});
}
TEST_F(BadInput, RankNotANumber) {
  expect_refused(sample_run({"--rank", "many"}), 78, {"rank", "many"});
}

TEST_F(BadInput, UnknownCategory) {
  expect_refused(run_with({"--category", "oran-bensh", "--data", "sample"}), 64,
                 {"oran-bensh", "oran-bench"});
}
TEST_F(BadInput, UnknownFlag) {
  expect_refused(sample_run({"--rnak", "4"}), 64, {"--rnak", "--rank"});
}
TEST_F(BadInput, UnknownKey) {
  expect_refused(sample_run({"--set", "learing_rate=0.1"}), 78, {"learing_rate", "learning_rate"});
}
TEST_F(BadInput, ValueOutOfRange) {
  expect_refused(sample_run({"--set", "batch_size=0"}), 78, {"--set", "batch_size", "0"});
}
TEST_F(BadInput, UnknownKeyInAFile) {
  publish(folder_ / "recipe.yaml", "rank: 8\nlearing_rate: 0.1\n");
  expect_refused(sample_run({"--config", (folder_ / "recipe.yaml").c_str()}), 78,
                 {"recipe.yaml", "learing_rate", "learning_rate"});
}
TEST_F(BadInput, UnknownBackbone) {
  expect_refused(sample_run({"--backbone", "smollm9"}), 64, {"smollm9", "smollm2-135m"});
}
TEST_F(BadInput, MissingBackboneFile) {
  expect_refused(sample_run({"--backbone", (folder_ / "none.gguf").c_str()}), 66, {"none.gguf"});
}

TEST_F(BadInput, FolderOfAnotherRun) {
  fs::create_directories(out());
  publish(out() / "recipe.yaml", "rank: 3\n");
  const std::string before = folder_state(folder_.path());
  expect_refused(sample_run({}), 73, {out().string(), "--resume"});
  fs::remove(out() / ".lock");
  EXPECT_EQ(folder_state(folder_.path()), before);
}

TEST_F(BadInput, ResumeWithoutARun) {
  expect_refused({"--resume", (folder_ / "none").c_str()}, 66, {"none"});
}

TEST_F(BadInput, FolderInUse) {
  fs::create_directories(out());
  const FolderLock held(out());
  expect_refused(sample_run({}), 75, {out().string()});
}

TEST_F(BadInput, FullDisk) {
  fs::create_directories(out());
  if (mount("tmpfs", out().c_str(), "tmpfs", 0, "size=6m") != 0)
    GTEST_SKIP() << "mounting a small tmpfs needs root";
  expect_refused(sample_run({"--rank", "16", "--max-steps", "2", "--set", "batch_size=1"}), 74,
                 {out().string(), "free"});
  EXPECT_FALSE(fs::exists(out() / "telora.json"));
  umount(out().c_str());
}

// Finite weights whose products are not.
TEST_F(BadInput, NotFiniteLoss) {
  const std::vector<float> huge(576, 3e38f);
  const fs::path model =
      changed_model("blk.5.attn_norm.weight", huge.data(), huge.size() * sizeof(float));
  expect_refused(
      sample_run({"--backbone", model.string(), "--max-steps", "2", "--set", "batch_size=1"}), 65,
      {"loss of step 1", "finite"});
}

}  // namespace
}  // namespace telora
