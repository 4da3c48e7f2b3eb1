// lora-export as a user meets it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/files.h"
#include "core/gguf.h"
#include "core/safetensors.h"
#include "tests/golden/scratch.h"
#include "tests/tools/program.h"

namespace telora {
namespace {

namespace fs = std::filesystem;
using golden::Scratch;
using testing::AllOf;
using testing::HasSubstr;

class ExportProgram : public testing::Test {
 protected:
  // One run of a few steps for all tests.
  static void SetUpTestSuite() {
    if (smollm2_path().empty()) return;
    folder_ = std::make_unique<Scratch>();
    const ProgramResult trained = run_program(
        "lora-train",
        {"--category", "3gpp-tsg", "--rank", "4", "--data", "sample", "--max-steps", "4",
         "--no-eval", "--set", "batch_size=2", "--set", "evaluations_per_epoch=0", "--set",
         "learning_rate=2e-3", "--set", "warmup_min_steps=1", "--out", *folder_ / "run"});
    ASSERT_EQ(trained.exit_code, 0) << trained.err;
  }
  static void TearDownTestSuite() { folder_.reset(); }
  void SetUp() override {
    if (!folder_) GTEST_SKIP() << "models/smollm2-135m-instruct.gguf is absent: run tools/setup.sh";
  }
  void TearDown() override {
    if (!folder_) return;
    for (const auto& entry : fs::directory_iterator(folder_->path())) {
      if (entry.path().filename() != "run") fs::remove_all(entry.path());
    }
  }

  static ProgramResult run(const std::string& form, const std::string& out,
                           const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {form, "--adapter", *folder_ / "run", "--rows", "2"};
    arguments.insert(arguments.end(), {form == "verify" ? "--against" : "--out", *folder_ / out});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program("lora-export", arguments);
  }
  // Nothing but the run, not even hidden.
  static bool nothing_new() {
    return std::distance(fs::directory_iterator(folder_->path()), {}) == 1;
  }

  static std::unique_ptr<Scratch> folder_;
};

std::unique_ptr<Scratch> ExportProgram::folder_;

TEST_F(ExportProgram, AGgufAdapterIsProvenAndSaysWhereItIsFrom) {
  const ProgramResult result = run("gguf", "a.gguf");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("GGUF adapter against the adapter as trained"),
                                HasSubstr("2/2"), HasSubstr("It acts as trained.")));
  const GgufFile file(*folder_ / "a.gguf");
  const auto manifest = nlohmann::json::parse(read_text(*folder_ / "run/telora.json"));
  EXPECT_EQ(file.string("telora.category"), "3gpp-tsg");
  EXPECT_EQ(file.string("telora.sha256.weights"), manifest.at("sha256").at("weights"));
  EXPECT_EQ(file.string("telora.sha256.tokenizer"), manifest.at("sha256").at("tokenizer"));
  EXPECT_EQ(file.string("telora.sha256.adapter"), manifest.at("adapter_sha256"));
  EXPECT_EQ(run("verify", "a.gguf").exit_code, 0);
}

TEST_F(ExportProgram, APeftFolderOfSixteenBits) {
  ASSERT_EQ(run("peft", "p", {"--type", "bf16"}).exit_code, 0);
  const SafetensorsFile file(*folder_ / "p/adapter_model.safetensors");
  EXPECT_EQ(file.entries().front().dtype, Dtype::kBF16);
  EXPECT_EQ(file.metadata().at("telora.category"), "3gpp-tsg");
}

TEST_F(ExportProgram, AMergedModelActsAlike) {
  const ProgramResult result = run("merged-gguf", "m.gguf", {"--type", "f16"});
  ASSERT_EQ(result.exit_code, 0) << result.err << result.out;
  EXPECT_THAT(result.out, HasSubstr("merged GGUF model"));
}

TEST_F(ExportProgram, AGgufBaseBecomesAFolder) {
  const ProgramResult result = run("merged", "m");
  ASSERT_EQ(result.exit_code, 0) << result.err << result.out;
  EXPECT_THAT(result.out, AllOf(HasSubstr("merged model folder"), HasSubstr("2/2")));
  const auto config = nlohmann::json::parse(read_text(*folder_ / "m/config.json"));
  EXPECT_EQ(config.at("architectures").at(0), "LlamaForCausalLM");
  EXPECT_EQ(config.at("rms_norm_eps"), 1e-5);
  EXPECT_EQ(config.at("eos_token_id"), 2);
  for (const char* file : {"tokenizer.json", "tokenizer_config.json", "README.md"}) {
    EXPECT_TRUE(fs::exists(*folder_ / "m" / file)) << file;
  }
}

TEST_F(ExportProgram, FourBitsTakeTheAdapterAwayAndNothingIsLeft) {
  const ProgramResult result = run("merged-gguf", "m.gguf", {"--quiet"});
  expect_refused(result, 76, {"m.gguf", "rounded away", "Q4_1"});
  EXPECT_THAT(result.out, HasSubstr("It does not act as trained."));
  EXPECT_TRUE(nothing_new());
}

TEST_F(ExportProgram, WhatIsThereStays) {
  publish(*folder_ / "mine", "mine");
  expect_refused(run("gguf", "mine"), 73, {"mine"});
  expect_refused(run("merged-gguf", "mine", {"--type", "q8_0"}), 73, {"mine"});
  expect_refused(run("peft", "mine"), 73, {"mine"});
  EXPECT_EQ(read_text(*folder_ / "mine"), "mine");
}

TEST_F(ExportProgram, WrongRequestsAreOneLineAndWriteNothing) {
  expect_refused(run("gguf", "a", {"--type", "q4_0"}), 64, {"--type", "q4_0", "q8_0"});
  expect_refused(run("peft", "a", {"--type", "int3"}), 64, {"--type", "int3"});
  expect_refused(run("gguf", "a", {"--backbone", *folder_ / "none.gguf"}), 66, {"none.gguf"});
  expect_refused(run("verify", "none"), 66, {"none"});
  EXPECT_TRUE(nothing_new());
}

TEST_F(ExportProgram, WithoutLlamaCppItsAnswersAreRefusedInOneLine) {
  const std::vector<std::string> asked = {"--runtime", "llama.cpp", "--python"};
  std::vector<std::string> none = asked, other = asked;
  none.emplace_back("no-such-python");
  other.emplace_back("false");
  expect_refused(run("gguf", "a", none), 69, {"no-such-python", "--python"});
  expect_refused(run("gguf", "a", other), 69, {"exit code 1", "--python"});
  ASSERT_EQ(run("peft", "p", {"--no-verify"}).exit_code, 0);
  expect_refused(run("verify", "p", none), 64, {"--runtime", "PEFT adapter", "GGUF"});
  fs::remove_all(*folder_ / "p");
  EXPECT_TRUE(nothing_new());
}

TEST_F(ExportProgram, WeightsAloneNeedNoRows) {
  fs::copy(*folder_ / "run", *folder_ / "plain", fs::copy_options::recursive);
  fs::remove(*folder_ / "plain/telora.json");  // so it names no category
  const std::vector<std::string> arguments = {"--adapter", *folder_ / "plain", "--weights-only"};
  std::vector<std::string> write = {"merged-gguf", "--out", *folder_ / "m.gguf", "--type", "f16"};
  write.insert(write.end(), arguments.begin(), arguments.end());
  const ProgramResult written = run_program("lora-export", write);
  EXPECT_EQ(written.exit_code, 0) << written.err;
  EXPECT_THAT(written.out, HasSubstr("Every weight is changed as trained; no model was run."));
  std::vector<std::string> against = {"verify", "--against", smollm2_path()};
  against.insert(against.end(), arguments.begin(), arguments.end());
  const ProgramResult other = run_program("lora-export", against);
  expect_refused(other, 76, {"q_proj"});
  EXPECT_THAT(other.out, HasSubstr("It does not act as trained."));
}

TEST_F(ExportProgram, RowsOfAnyPartAreAsked) {
  ASSERT_EQ(run("gguf", "a", {"--split", "test", "--split-method", "sk"}).exit_code, 0);
  expect_refused(run("verify", "a", {"--split", "all"}), 64, {"--split", "all", "validation"});
  expect_refused(run("verify", "a", {"--split-method", "none"}), 64, {"--split-method", "none"});
}

TEST_F(ExportProgram, AnAdapterOfOtherWeightsIsRefusedWithBothDigests) {
  fs::copy(*folder_ / "run", *folder_ / "other", fs::copy_options::recursive);
  auto manifest = nlohmann::ordered_json::parse(read_text(*folder_ / "other/telora.json"));
  const std::string own = manifest["sha256"]["weights"], another(64, 'a');
  manifest["sha256"]["weights"] = another;
  publish(*folder_ / "other/telora.json", manifest.dump());
  const std::vector<std::string> arguments = {"gguf",  "--adapter",         *folder_ / "other",
                                              "--out", *folder_ / "a.gguf", "--no-verify"};
  expect_refused(run_program("lora-export", arguments), 76,
                 {own.c_str(), another.c_str(), "--accept-risk"});
  EXPECT_FALSE(fs::exists(*folder_ / "a.gguf"));
  std::vector<std::string> forced = arguments;
  forced.emplace_back("--accept-risk");
  EXPECT_EQ(run_program("lora-export", forced).exit_code, 0);
}

}  // namespace
}  // namespace telora
