// lora-inspect as a user meets it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/files.h"
#include "core/safetensors.h"
#include "tests/golden/scratch.h"
#include "tests/tools/program.h"

namespace telora {
namespace {

using golden::Scratch;
using nlohmann::ordered_json;
using testing::HasSubstr;

ordered_json inspect_json(std::vector<std::string> arguments) {
  arguments.emplace_back("--json");
  const ProgramResult result = run_program("lora-inspect", arguments);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return ordered_json::parse(result.out);
}

TEST(InspectModel, SmolLm2HasItsPublishedSizes) {
  if (smollm2_path().empty()) GTEST_SKIP() << "the backbone is absent: run tools/setup.sh";
  const ordered_json model = inspect_json({"model"});
  EXPECT_EQ(model["parameters"], 134'515'008);
  EXPECT_EQ(model["memory_bytes"]["bf16"], 269'030'016);
  int64_t sum = 0;
  for (const auto& part : model["parameters_by_part"]) sum += part.get<int64_t>();
  EXPECT_EQ(sum, 134'515'008);
  EXPECT_EQ(model["parameters_by_part"]["embedding"], 49152 * 576);
  EXPECT_EQ(model["adapters"][0]["parameters"], 1'221'120);
  EXPECT_EQ(model["adapters"][2]["file_bytes_f32"], 19'593'064);
  EXPECT_EQ(model["adapters"][2]["file_bytes_bf16"], 9'824'056);
  EXPECT_EQ(model["chat_format"], "smollm2");
  EXPECT_EQ(model["digests"]["weights"].get<std::string>().size(), 64U);
  const ProgramResult text = run_program("lora-inspect", {"model"});
  EXPECT_THAT(text.out, HasSubstr("parameters 134515008"));
  EXPECT_THAT(text.out, HasSubstr("4884480"));
}

TEST(InspectFile, ListsAGgufFile) {
  if (smollm2_path().empty()) GTEST_SKIP() << "the backbone is absent: run tools/setup.sh";
  const ordered_json file = inspect_json({"file", smollm2_path()});
  EXPECT_EQ(file["format"], "gguf");
  EXPECT_EQ(file["metadata"]["general.architecture"], "llama");
  EXPECT_EQ(file["metadata"]["tokenizer.ggml.tokens"].size(), 49152U);
  EXPECT_EQ(file["tensors"].size(), 272U);
  const ProgramResult text = run_program("lora-inspect", {"file", smollm2_path()});
  EXPECT_THAT(text.out, HasSubstr("gguf: 272 tensors"));
  EXPECT_THAT(text.out, HasSubstr("token_embd.weight"));
}

TEST(InspectFile, ListsASafetensorsFile) {
  const Scratch scratch;
  const std::string path = scratch / "m.safetensors";
  const float values[6] = {};
  write_safetensors(path, {{"a.weight", Dtype::kF32, {2, 3}, std::as_bytes(std::span(values))}},
                    {{"format", "pt"}});
  const ordered_json file = inspect_json({"file", path});
  EXPECT_EQ(file["format"], "safetensors");
  EXPECT_EQ(file["metadata"], (ordered_json{{"format", "pt"}}));
  EXPECT_EQ(
      file["tensors"][0],
      (ordered_json{{"name", "a.weight"}, {"type", "F32"}, {"shape", {2, 3}}, {"bytes", 24}}));
}

double child_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_CHILDREN, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec);
}

TEST(InspectFile, SixtyThousandKeysAreListedFast) {
  const Scratch scratch;
  const std::string path = scratch / "m.safetensors";
  std::map<std::string, std::string> metadata;
  for (int i = 0; i < 60'000; ++i) metadata.emplace(std::to_string(i), "");
  write_safetensors(path, {}, metadata);
  const double before = child_seconds();
  const ProgramResult result = run_program("lora-inspect", {"file", path, "--json"});
  EXPECT_LT(child_seconds() - before, 4);
  EXPECT_EQ(nlohmann::json::parse(result.out)["metadata"].size(), 60'000U);
}

TEST(InspectFile, DumpsATensorAsFloats) {
  const Scratch scratch;
  const std::string path = scratch / "m.safetensors";
  const uint16_t halves[6] = {0x3e00, 0xc000, 0x0001, 0x8000, 0x7c00, 0x3400};  // 1.5, -2, ..., inf
  write_safetensors(path, {{"a.weight", Dtype::kF16, {2, 3}, std::as_bytes(std::span(halves))}},
                    {});
  const std::string raw = scratch / "a.f32";
  const ordered_json shown = inspect_json({"file", path, "--tensor", "a.weight", "--raw", raw});
  const float values[6] = {1.5F, -2, 0x1p-24F, -0.0F, INFINITY, 0.25F};
  EXPECT_EQ(read_text(raw), std::string(reinterpret_cast<const char*>(values), sizeof values));
  EXPECT_EQ(shown["type"], "F16");
  EXPECT_EQ(shown["shape"], (ordered_json{2, 3}));
  EXPECT_EQ(shown["not_finite"], 1);
  EXPECT_EQ(shown["min"], -2);
  EXPECT_EQ(shown["max"], 1.5);
  const ProgramResult text = run_program("lora-inspect", {"file", path, "--tensor", "a.weight"});
  EXPECT_THAT(text.out, HasSubstr("a.weight: F16 [2, 3], 6 values"));
  EXPECT_THAT(text.out, HasSubstr("1 values are NaN or infinite"));
}

TEST(InspectFile, DumpsATensorOfManyPieces) {
  if (smollm2_path().empty()) GTEST_SKIP() << "the backbone is absent: run tools/setup.sh";
  const Scratch scratch;
  const std::string raw = scratch / "q.f32";
  const ordered_json shown =
      inspect_json({"file", smollm2_path(), "--tensor", "blk.0.attn_q.weight", "--raw", raw});
  EXPECT_EQ(std::filesystem::file_size(raw), 4U * 576 * 576);
  EXPECT_EQ(shown["elements"], 576 * 576);
  EXPECT_NEAR(shown["mean"].get<double>() * 576 * 576, 59.22322082519531, 1e-6);
}

TEST(InspectFile, ATensorThatCannotBeShownIsNamed) {
  const Scratch scratch;
  const std::string path = scratch / "m.safetensors";
  const int64_t ids[1] = {};
  write_safetensors(path, {{"ids", Dtype::kI64, {1}, std::as_bytes(std::span(ids))}}, {});
  const ProgramResult absent = run_program("lora-inspect", {"file", path, "--tensor", "b"});
  EXPECT_EQ(absent.exit_code, 64);
  EXPECT_THAT(absent.err, HasSubstr("--tensor: found 'b'"));
  const ProgramResult type = run_program("lora-inspect", {"file", path, "--tensor", "ids"});
  EXPECT_EQ(type.exit_code, 65);
  EXPECT_THAT(type.err, HasSubstr("ids: found type I64"));
  EXPECT_EQ(run_program("lora-inspect", {"file", path, "--raw", scratch / "x"}).exit_code, 64);
  EXPECT_FALSE(std::filesystem::exists(scratch / "x"));
}

TEST(InspectFile, AFileThatIsNeitherIsOneLine) {
  const Scratch scratch;
  const std::string path = scratch / "m.bin";
  write_safetensors(path, {}, {});
  std::filesystem::resize_file(path, 7);
  const ProgramResult result = run_program("lora-inspect", {"file", path});
  EXPECT_EQ(result.exit_code, 65);
  EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
  EXPECT_THAT(result.err, HasSubstr("m.bin"));
}

TEST(InspectAdapter, ShowsEveryModule) {
  const std::string folder = TELORA_PEFT_FOLDER;
  const ordered_json adapter = inspect_json({"adapter", folder});
  EXPECT_EQ(adapter["rank"], 4);
  ASSERT_FALSE(adapter["modules"].empty());
  int64_t parameters = 0;
  for (const auto& m : adapter["modules"]) {
    parameters += m["rank"].get<int64_t>() * (m["in"].get<int64_t>() + m["out"].get<int64_t>());
    EXPECT_GT(m["norm"].get<double>(), 0);
    EXPECT_LE(m["effective_rank"].get<double>(), m["rank"].get<double>() + 1e-9);
  }
  EXPECT_EQ(adapter["parameters"], parameters);
  const ProgramResult text = run_program("lora-inspect", {"adapter", folder});
  EXPECT_THAT(text.out, HasSubstr("eff. rank"));
}

TEST(InspectAdapter, AnotherModelsAdapterIsRefused) {
  if (smollm2_path().empty()) GTEST_SKIP() << "the backbone is absent: run tools/setup.sh";
  const ProgramResult result =
      run_program("lora-inspect", {"adapter", TELORA_PEFT_FOLDER, "--backbone", smollm2_path()});
  EXPECT_EQ(result.exit_code, 65);
  EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
}

}  // namespace
}  // namespace telora
