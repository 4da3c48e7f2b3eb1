#include "adapters/peft_folder.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "backbone/torch.h"
#include "tests/adapters/support.h"
#include "tests/golden/scratch.h"

namespace telora::testing {
namespace {

using golden::Scratch;

constexpr const char* kConfig = "adapter_config.json";
constexpr const char* kWeights = "adapter_model.safetensors";

AdapterFile small_adapter() {
  AdapterFile adapter;
  adapter.config.rank = 2;
  adapter.config.target_modules = {"q_proj"};
  adapter.modules.push_back(
      {"model.layers.0.self_attn.q_proj", torch::rand({2, 16}), torch::rand({16, 2})});
  return adapter;
}

class WrittenByPeft : public ::testing::TestWithParam<const char*> {};

TEST_P(WrittenByPeft, IsReadInBaseOrderWithItsValues) {
  const AdapterFile adapter = read_adapter(peft_folder(GetParam()), tiny_base());
  const auto expected =
      nlohmann::ordered_json::parse(read_bytes(peft_folder(GetParam()) / "expected.json"));
  ASSERT_EQ(adapter.modules.size(), expected.size());
  size_t index = 0;
  for (const auto& [name, values] : expected.items()) {
    const auto& [module, a, b, magnitude] = adapter.modules[index++];
    EXPECT_EQ(module, name);
    ASSERT_EQ(magnitude.defined(), values.contains("m"));
    if (magnitude.defined()) {
      EXPECT_EQ(magnitude[0].item<float>(), values["m"][0].get<float>());
      EXPECT_EQ(magnitude[-1].item<float>(), values["m"][1].get<float>());
    }
    EXPECT_EQ(a.scalar_type(), at::kFloat);
    EXPECT_EQ(b.scalar_type(), at::kFloat);
    EXPECT_EQ(a.size(0), values["rank"].get<int64_t>());
    EXPECT_EQ(a[0][1].item<float>(), values["a"][0].get<float>());
    EXPECT_EQ(a[-1][-1].item<float>(), values["a"][1].get<float>());
    EXPECT_EQ(b[0][1].item<float>(), values["b"][0].get<float>());
    EXPECT_EQ(b[-1][-1].item<float>(), values["b"][1].get<float>());
  }
  EXPECT_EQ(adapter.metadata.at("format"), "pt");
  EXPECT_EQ(adapter.config.base_model, "tiny-llama");
}

TEST_P(WrittenByPeft, IsWrittenAgainByteForByte) {
  const Scratch scratch;
  const bool bf16 = std::string(GetParam()).ends_with("bf16");
  write_adapter(scratch.path(), read_adapter(peft_folder(GetParam()), tiny_base()),
                bf16 ? Dtype::kBF16 : Dtype::kF32);
  for (const char* file : {kConfig, kWeights}) {
    EXPECT_TRUE(read_bytes(scratch / file) == read_bytes(peft_folder(GetParam()) / file)) << file;
  }
}

INSTANTIATE_TEST_SUITE_P(Folders, WrittenByPeft,
                         ::testing::Values("plain", "patterns", "all_linear_bf16", "regex",
                                           "dora"));

struct Published {
  const char* model;
  int64_t layers, hidden, heads, kv_heads, head_dim, intermediate, rank;
  Dtype dtype;
  uint64_t bytes;
};

void PrintTo(const Published& size, std::ostream* out) { *out << size.model << " r " << size.rank; }

AdapterFile zeros(const std::vector<ModuleShape>& base, int64_t rank,
                  std::vector<std::string> targets) {
  AdapterFile adapter;
  adapter.config.rank = rank;
  adapter.config.target_modules = std::move(targets);
  for (const ModuleShape& shape : base) {
    if (!is_target(adapter.config, shape.name)) continue;
    adapter.modules.push_back(
        {shape.name, torch::zeros({rank, shape.in}), torch::zeros({shape.out, rank})});
  }
  return adapter;
}

uint64_t written_bytes(const AdapterFile& adapter, Dtype dtype) {
  const Scratch scratch;
  write_adapter(scratch.path(), adapter, dtype);
  return std::filesystem::file_size(scratch / kWeights);
}

std::vector<ModuleShape> linears(const Published& size) {
  DecoderSpec spec;
  spec.layers = size.layers;
  spec.hidden = size.hidden;
  spec.heads = size.heads;
  spec.kv_heads = size.kv_heads;
  spec.head_dim = size.head_dim;
  spec.intermediate = size.intermediate;
  return linear_modules(spec);
}

class AdapterSize : public ::testing::TestWithParam<Published> {};

// The sizes of the files that PEFT writes for these models with all seven linears adapted.
TEST_P(AdapterSize, EqualsThatOfPeft) {
  const Published& size = GetParam();
  const AdapterFile adapter =
      zeros(linears(size), size.rank,
            {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"});
  EXPECT_EQ(written_bytes(adapter, size.dtype), size.bytes);
}

INSTANTIATE_TEST_SUITE_P(
    Models, AdapterSize,
    ::testing::Values(
        Published{"SmolLM2-135M", 30, 576, 9, 3, 64, 1536, 4, Dtype::kF32, 4938648},
        Published{"SmolLM2-135M", 30, 576, 9, 3, 64, 1536, 16, Dtype::kF32, 19593064},
        Published{"SmolLM2-135M", 30, 576, 9, 3, 64, 1536, 16, Dtype::kBF16, 9824056},
        Published{"SmolLM2-360M", 32, 960, 15, 5, 64, 2560, 4, Dtype::kBF16, 4399968},
        Published{"Llama-3.2-1B", 16, 2048, 32, 8, 64, 8192, 4, Dtype::kF32, 11301296},
        Published{"Qwen2.5-0.5B", 24, 896, 14, 2, 64, 4864, 8, Dtype::kBF16, 8841928},
        Published{"Qwen3-0.6B", 28, 1024, 16, 8, 128, 3072, 4, Dtype::kF32, 10143496},
        Published{"EXAONE-4.0-1.2B", 30, 2048, 32, 8, 64, 4096, 4, Dtype::kBF16, 7673480},
        Published{"OLMo-2-0425-1B", 16, 2048, 16, 16, 128, 8192, 8, Dtype::kBF16, 12088008},
        Published{"Gemma-3-1B", 26, 1152, 4, 1, 256, 6912, 4, Dtype::kF32, 13093200}));

TEST(AdapterSizes, OfSubsets) {
  const auto base = linears({"Llama-3.2-1B", 16, 2048, 32, 8, 64, 8192, 4, Dtype::kF32, 0});
  EXPECT_EQ(written_bytes(zeros(base, 4, {"q_proj", "v_proj"}), Dtype::kF32), 1712288);
  EXPECT_EQ(written_bytes(zeros(base, 8, {"q_proj", "k_proj", "v_proj", "o_proj"}), Dtype::kF32),
            6832520);
}

class RoundTrip : public ::testing::TestWithParam<std::pair<Dtype, at::ScalarType>> {};

TEST_P(RoundTrip, KeepsWhatTheTypeCanHold) {
  const Scratch scratch;
  const AdapterFile adapter = small_adapter();
  AdapterFile written = adapter;
  written.metadata["step"] = "400";
  written.modules[0].a =
      adapter.modules[0].a.t().contiguous().t();  // a view is stored as its values
  write_adapter(scratch / "new/folder", written, GetParam().first);
  const AdapterFile read =
      read_adapter(scratch / "new/folder", {{"model.layers.0.self_attn.q_proj", 16, 16}});
  ASSERT_EQ(read.modules.size(), 1);
  EXPECT_TRUE(read.modules[0].a.equal(adapter.modules[0].a.to(GetParam().second).to(at::kFloat)));
  EXPECT_TRUE(read.modules[0].b.equal(adapter.modules[0].b.to(GetParam().second).to(at::kFloat)));
  EXPECT_EQ(read.metadata.at("step"), "400");
  EXPECT_EQ(read.metadata.at("format"), "pt");
}

INSTANTIATE_TEST_SUITE_P(Types, RoundTrip,
                         ::testing::Values(std::pair{Dtype::kF32, at::kFloat},
                                           std::pair{Dtype::kF16, at::kHalf},
                                           std::pair{Dtype::kBF16, at::kBFloat16}));

TEST(ReadAdapter, AcceptsNamesWithTheAdaptersName) {
  const Scratch scratch;
  NamedTensors tensors;
  for (const auto& [name, tensor] : good_tensors()) {
    tensors[fmt::format("{}.default.weight", name.substr(0, name.rfind('.')))] = tensor;
  }
  write_tensors(scratch / kWeights, tensors);
  write_text(scratch / kConfig, config_text());
  const AdapterFile adapter = read_adapter(scratch.path(), tiny_base());
  EXPECT_EQ(adapter.modules.size(), 4);
  EXPECT_TRUE(
      adapter.modules[0].a.equal(good_tensors().at(attention_name(0, "q_proj.lora_A.weight"))));
}

TEST(ReadAdapter, AAndBMayDifferInType) {
  const Scratch scratch;
  NamedTensors tensors = good_tensors();
  at::Tensor& a = tensors.at(attention_name(1, "v_proj.lora_A.weight"));
  a = a.to(at::kHalf);
  write_tensors(scratch / kWeights, tensors);
  write_text(scratch / kConfig, config_text());
  EXPECT_TRUE(read_adapter(scratch.path(), tiny_base()).modules[3].a.equal(a.to(at::kFloat)));
}

TEST(WriteAdapter, ReplacesTheWeightsOfTheSameAdapter) {
  const Scratch scratch;
  AdapterFile adapter = small_adapter();
  write_adapter(scratch.path(), adapter);
  adapter.modules[0].b = torch::ones({16, 2});
  write_adapter(scratch.path(), adapter);
  const AdapterFile read =
      read_adapter(scratch.path(), {{"model.layers.0.self_attn.q_proj", 16, 16}});
  EXPECT_TRUE(read.modules[0].b.equal(torch::ones({16, 2})));
}

TEST(WriteAdapter, RefusesAFolderWithAnotherConfig) {
  const Scratch scratch;
  AdapterFile adapter = small_adapter();
  write_adapter(scratch.path(), adapter);
  const std::string weights = read_bytes(scratch / kWeights),
                    config = read_bytes(scratch / kConfig);
  adapter.config.alpha = 7;
  adapter.modules[0].b = torch::ones({16, 2});
  expect_error(ErrorKind::kCannotCreate, {kConfig, "another config"},
               [&] { write_adapter(scratch.path(), adapter); });
  EXPECT_EQ(read_bytes(scratch / kWeights), weights);
  EXPECT_EQ(read_bytes(scratch / kConfig), config);
}

TEST(WriteAdapter, NeverPublishesNanOrInfinity) {
  const Scratch scratch;
  AdapterFile adapter = small_adapter();
  write_adapter(scratch.path(), adapter);
  const std::string before = read_bytes(scratch / kWeights);
  for (const double value : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    adapter.modules[0].b[3][1] = value;
    expect_error(ErrorKind::kData, {"q_proj.lora_B.weight", "1 values", "[3, 1]"},
                 [&] { write_adapter(scratch.path(), adapter); });
  }
  EXPECT_EQ(read_bytes(scratch / kWeights), before);
}

TEST(WriteAdapter, RefusesValuesTooLargeForF16) {
  const Scratch scratch;
  AdapterFile adapter = small_adapter();
  adapter.modules[0].a[1][2] = 1e6;
  expect_error(ErrorKind::kData, {"lora_A.weight as F16", "[1, 2]"},
               [&] { write_adapter(scratch / "a", adapter, Dtype::kF16); });
  EXPECT_FALSE(std::filesystem::exists(scratch / "a" / kWeights));
  write_adapter(scratch / "a", adapter, Dtype::kBF16);
}

TEST(WriteAdapter, LeavesNoConfigWhenTheWeightsFail) {
  const Scratch scratch;
  std::filesystem::create_directories(scratch / kWeights / "occupied");
  EXPECT_THROW(write_adapter(scratch.path(), small_adapter()), Error);
  EXPECT_FALSE(std::filesystem::exists(scratch / kConfig));
}

TEST(WriteAdapter, AFileInTheFoldersPlaceIsRefused) {
  const Scratch scratch;
  write_text(scratch / "taken", "x");
  expect_error(ErrorKind::kCannotCreate, {"taken"},
               [&] { write_adapter(scratch / "taken", small_adapter()); });
}

TEST(WriteAdapter, ChecksItsCaller) {
  const Scratch scratch;
  const auto refused = [&](const std::string& part,
                           const std::function<void(AdapterFile&)>& spoil) {
    AdapterFile adapter = small_adapter();
    spoil(adapter);
    expect_error(ErrorKind::kInternal, {part}, [&] { write_adapter(scratch.path(), adapter); });
  };
  refused("at least one", [](AdapterFile& file) { file.modules.clear(); });
  refused("twice", [](AdapterFile& file) { file.modules.push_back(file.modules[0]); });
  refused("no pair", [](AdapterFile& file) { file.modules[0].a = at::Tensor(); });
  refused("no pair", [](AdapterFile& file) { file.modules[0].b = torch::rand({16}); });
  refused("rank 2", [](AdapterFile& file) { file.modules[0].b = torch::rand({16, 3}); });
  refused("rank 3", [](AdapterFile& file) { file.config.rank = 3; });
  refused("target_modules", [](AdapterFile& file) { file.config.target_modules = {"v_proj"}; });
  expect_error(ErrorKind::kInternal, {"F64"},
               [&] { write_adapter(scratch.path(), small_adapter(), Dtype::kF64); });
  EXPECT_TRUE(std::filesystem::is_empty(scratch.path()));
}

}  // namespace
}  // namespace telora::testing
