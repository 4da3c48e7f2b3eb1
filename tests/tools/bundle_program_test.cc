// lora-export bundle and check as a user meets them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/digest.h"
#include "core/files.h"
#include "tests/golden/scratch.h"
#include "tests/tools/program.h"

namespace telora {
namespace {

namespace fs = std::filesystem;
using golden::Scratch;
using Json = nlohmann::ordered_json;
using testing::HasSubstr;

class BundleProgram : public testing::Test {
 protected:
  // One run of a few steps and one bundle for all tests.
  static void SetUpTestSuite() {
    if (smollm2_path().empty()) return;
    folder_ = std::make_unique<Scratch>();
    const ProgramResult trained = run_program(
        "lora-train",
        {"--category", "oran-bench", "--rank", "4", "--data", "sample", "--max-steps", "4",
         "--no-eval", "--set", "batch_size=2", "--set", "evaluations_per_epoch=0", "--set",
         "learning_rate=2e-3", "--set", "warmup_min_steps=1", "--out", *folder_ / "run"});
    ASSERT_EQ(trained.exit_code, 0) << trained.err;
    ASSERT_EQ(bundle("whole").exit_code, 0);
  }
  static void TearDownTestSuite() { folder_.reset(); }
  void SetUp() override {
    if (!folder_) GTEST_SKIP() << "models/smollm2-135m-instruct.gguf is absent: run tools/setup.sh";
  }

  static ProgramResult bundle(const std::string& out, const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"bundle", "--adapter", *folder_ / "run", "--out",
                                          *folder_ / out};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program("lora-export", arguments);
  }
  static ProgramResult check(const std::string& name) {
    return run_program("lora-export", {"check", *folder_ / name});
  }
  // A copy of the bundle whose manifest was changed.
  static void copy_with(const std::string& name, const std::function<void(Json&)>& change) {
    fs::copy(*folder_ / "whole", *folder_ / name);
    const std::string path = *folder_ / (name + "/manifest.json");
    Json manifest = Json::parse(read_text(path));
    change(manifest);
    publish(path, manifest.dump());
  }

  static std::unique_ptr<Scratch> folder_;
};

std::unique_ptr<Scratch> BundleProgram::folder_;

TEST_F(BundleProgram, HoldsWhatADeviceNeedsToCheckItself) {
  const std::string root = *folder_ / "whole";
  const Json manifest = Json::parse(read_text(root + "/manifest.json"));
  EXPECT_EQ(manifest.at("prompts").size(), 3U);
  for (const Json& prompt : manifest.at("prompts")) {
    EXPECT_GT(prompt.at("ids").size(), 20U);
    EXPECT_THAT(prompt.at("text").get<std::string>(), HasSubstr("<|im_start|>user"));
  }
  for (const char* key : {"sha256.weights", "sha256.tokenizer", "sha256.template"}) {
    EXPECT_EQ(manifest.at("origin").at(key).get<std::string>().size(), 64U) << key;
  }
  EXPECT_EQ(manifest.at("origin").at("vocabulary_size"), "49152");
  const std::string sums = read_text(root + "/SHA256SUMS");
  for (const char* file : {"adapter.gguf", "manifest.json", "README.md"}) {
    EXPECT_THAT(sums, HasSubstr(sha256_file(root + "/" + file) + "  " + file));
  }
  const ProgramResult checked = check("whole");
  EXPECT_EQ(checked.exit_code, 0) << checked.err;
  EXPECT_THAT(checked.out, HasSubstr("3 prompts and answers as meant"));
}

TEST_F(BundleProgram, TheSameCommandGivesTheSameBytes) {
  ASSERT_EQ(bundle("again").exit_code, 0);
  EXPECT_EQ(read_text(*folder_ / "again/SHA256SUMS"), read_text(*folder_ / "whole/SHA256SUMS"));
}

TEST_F(BundleProgram, APeftFolderToo) {
  ASSERT_EQ(bundle("peft", {"--form", "peft", "--rows", "1", "--license", "mit"}).exit_code, 0);
  EXPECT_TRUE(fs::exists(*folder_ / "peft/adapter_model.safetensors"));
  EXPECT_THAT(read_text(*folder_ / "peft/README.md"),
              HasSubstr("of the adapter: mit; of the base model: apache-2.0"));
  EXPECT_EQ(check("peft").exit_code, 0);
}

TEST_F(BundleProgram, EveryDifferenceIsNamed) {
  copy_with("changed", [](Json& manifest) {
    manifest["prompts"][1]["answer_ids"] = {5};
    manifest["prompts"][1]["answer"] = "five";
  });
  expect_refused(check("changed"), 76, {"prompt 2", "five"});
  copy_with("ids", [](Json& manifest) { manifest["prompts"][0]["ids"][3] = 5; });
  expect_refused(check("ids"), 76, {"prompt 1", "other token ids"});
  copy_with("base", [](Json& manifest) { manifest["origin"]["sha256.weights"] = "abc"; });
  expect_refused(check("base"), 76, {"sha256.weights", "abc"});
  fs::copy(*folder_ / "whole", *folder_ / "file");
  publish(*folder_ / "file/README.md", "another");
  expect_refused(check("file"), 76, {"README.md", "SHA-256"});
  fs::remove(*folder_ / "file/adapter.gguf");
  expect_refused(check("file"), 76, {"README.md"});
}

TEST_F(BundleProgram, HostileManifestsAreOneLine) {
  copy_with("newer", [](Json& manifest) { manifest["format"] = 2; });
  expect_refused(check("newer"), 65, {"format", "newer"});
  copy_with("escape", [](Json& manifest) { manifest["files"][0]["name"] = "../run/telora.json"; });
  expect_refused(check("escape"), 65, {"files", "name"});
  copy_with("unknown", [](Json& manifest) { manifest["more"] = 1; });
  expect_refused(check("unknown"), 65, {"more"});
  copy_with("none", [](Json& manifest) { manifest["prompts"][0]["ids"] = Json::array(); });
  expect_refused(check("none"), 65, {"prompts", "ids"});
  copy_with("large", [](Json& manifest) { manifest["prompts"][0]["ids"][0] = 49152; });
  expect_refused(check("large"), 65, {"49152"});
  expect_refused(check("nowhere"), 66, {"manifest.json"});
}

TEST_F(BundleProgram, WrongRequestsWriteNothing) {
  const std::string before = folder_state(folder_->path());
  expect_refused(bundle("whole"), 73, {"whole"});
  expect_refused(bundle("x", {"--form", "zip"}), 64, {"--form", "zip"});
  expect_refused(bundle("x", {"--category", "none"}), 64, {"none"});
  EXPECT_EQ(folder_state(folder_->path()), before);
}

}  // namespace
}  // namespace telora
