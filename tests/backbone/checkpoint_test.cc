#include "backbone/checkpoint.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "core/files.h"
#include "tests/golden/model_files.h"
#include "tests/golden/scratch.h"

namespace telora {
namespace {

using golden::ConfigStyle;
using golden::Scratch;
using golden::Tensors;
using ::testing::HasSubstr;

// The digest of tiny_llama()'s weights, computed by a separate program from the formula.
constexpr const char* kTinyDigest =
    "23040113cdeb988887fbfbf879d5e9df0f1572ce80a2230a372d6ad085121b04";

// Large enough that the embedding, q and k are read in several pieces.
DecoderSpec wide() {
  DecoderSpec spec = golden::tiny_llama();
  spec.layers = 1;
  spec.hidden = 288;
  spec.heads = 72;
  spec.kv_heads = 36;
  spec.vocab = 1000;
  return spec;
}

void expect_same(const std::unordered_map<std::string, at::Tensor>& found,
                 const Tensors& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (const auto& [name, tensor] : expected) {
    ASSERT_TRUE(found.contains(name)) << name;
    EXPECT_TRUE(at::equal(found.at(name), tensor)) << name;
  }
}

// What a GGUF file of `type` holds: the values after quantisation, where the rows allow it.
Tensors through(GgmlType type, const Tensors& weights) {
  Tensors out;
  for (const auto& [name, weight] : weights) {
    const bool whole = weight.size(-1) % ggml_type_info(type).block_elements == 0;
    const GgmlType stored = weight.dim() == 1 ? GgmlType::kF32 : whole ? type : GgmlType::kF16;
    const std::span<const float> values(weight.const_data_ptr<float>(), weight.numel());
    const std::string bytes = golden::quantize(stored, values);
    at::Tensor decoded = at::empty_like(weight);
    dequantize(stored, std::as_bytes(std::span(bytes)), {decoded.data_ptr<float>(), values.size()});
    out.emplace(name, decoded);
  }
  return out;
}

class Gguf : public testing::TestWithParam<GgmlType> {};

TEST_P(Gguf, ValuesAndNamesEqualTheFolders) {
  const Scratch scratch;
  const DecoderSpec spec = wide();
  const Tensors weights = golden::tiny_weights(spec);
  golden::gguf_of(spec, weights, GetParam()).write(scratch / "model.gguf");
  const Checkpoint checkpoint = Checkpoint::open(scratch / "model.gguf");
  EXPECT_EQ(checkpoint.spec(), spec);
  expect_same(checkpoint.load_all(at::kFloat), through(GetParam(), weights));
}

TEST_P(Gguf, DigestIsThatOfTheSameValuesInAFolder) {
  const Scratch scratch;
  const DecoderSpec spec = wide();
  const Tensors weights = golden::tiny_weights(spec);
  golden::gguf_of(spec, weights, GetParam()).write(scratch / "model.gguf");
  golden::write_folder(scratch / "hf", spec, through(GetParam(), weights), 3);
  EXPECT_EQ(Checkpoint::open(scratch / "model.gguf").digest(),
            Checkpoint::open(scratch / "hf").digest());
}

INSTANTIATE_TEST_SUITE_P(Types, Gguf,
                         testing::Values(GgmlType::kF32, GgmlType::kF16, GgmlType::kBF16,
                                         GgmlType::kQ8_0, GgmlType::kQ4_0, GgmlType::kQ4_1),
                         [](const auto& info) {
                           return std::string(ggml_type_info(info.param).name);
                         });

std::vector<DecoderSpec> every_family() {
  return {golden::tiny_llama(),   golden::tiny_llama_llama3_scaling(),
          golden::tiny_qwen2(),   golden::tiny_qwen3(),
          golden::tiny_exaone4(), golden::tiny_granite(),
          golden::tiny_olmo2(),   golden::tiny_gemma3()};
}

TEST(Checkpoint, GgufOfEveryFamilyHasTheFoldersNamesAndValues) {
  for (const DecoderSpec& spec : every_family()) {
    const Scratch scratch;
    const Tensors weights = golden::tiny_weights(spec);
    golden::gguf_of(spec, weights, GgmlType::kF32).write(scratch / "model.gguf");
    const Checkpoint checkpoint = Checkpoint::open(scratch / "model.gguf");
    DecoderSpec read = checkpoint.spec();
    EXPECT_EQ(read.rope_divisors.empty(), !spec.rope_scaling) << spec.architecture;
    read.rope_divisors.clear();
    DecoderSpec wanted = spec;
    wanted.rope_scaling.reset();  // a GGUF file has its divisors instead
    EXPECT_EQ(read, wanted) << spec.architecture;
    expect_same(checkpoint.load_all(at::kFloat), weights);
  }
}

TEST(Checkpoint, FolderOfEitherConfigStyle) {
  for (const DecoderSpec& spec : every_family()) {
    for (const ConfigStyle style : {ConfigStyle::kTransformers4, ConfigStyle::kTransformers5}) {
      const Scratch scratch;
      const Tensors weights = golden::tiny_weights(spec);
      golden::write_folder(scratch / "hf", spec, weights, 1, style);
      const Checkpoint checkpoint = Checkpoint::open(scratch / "hf");
      EXPECT_EQ(checkpoint.spec(), spec);
      expect_same(checkpoint.load_all(at::kFloat), weights);
    }
  }
}

TEST(Checkpoint, SixteenBitFolders) {
  for (const at::ScalarType dtype : {at::kHalf, at::kBFloat16}) {
    const Scratch scratch;
    const DecoderSpec spec = wide();
    Tensors weights = golden::tiny_weights(spec);
    for (auto& [name, tensor] : weights) tensor = tensor.to(dtype);
    golden::write_folder(scratch / "hf", spec, weights, 2);
    for (auto& [name, tensor] : weights) tensor = tensor.to(at::kFloat);
    expect_same(Checkpoint::open(scratch / "hf").load_all(at::kFloat), weights);
  }
}

// 1 + 2^-8 and 1 + 3·2^-8 lie half way between two bfloat16 values; the even one is taken.
TEST(Checkpoint, BFloat16RoundsToNearestEven) {
  const Scratch scratch;
  const DecoderSpec spec = golden::tiny_llama();
  Tensors weights = golden::tiny_weights(spec);
  const at::Tensor norm = weights.at("model.norm.weight");
  norm[0] = 1 + std::ldexp(1.0, -8);
  norm[1] = 1 + 3 * std::ldexp(1.0, -8);
  norm[2] = -std::ldexp(1.0, -140);
  golden::write_folder(scratch / "hf", spec, weights);
  const Checkpoint checkpoint = Checkpoint::open(scratch / "hf");
  const at::Tensor loaded = checkpoint.load("model.norm.weight", at::kBFloat16);
  EXPECT_EQ(loaded[0].item<float>(), 1.0F);
  EXPECT_EQ(loaded[1].item<float>(), 1 + 4 * std::ldexp(1.0F, -8));
  for (auto& [name, tensor] : weights) tensor = tensor.to(at::kBFloat16);
  expect_same(checkpoint.load_all(at::kBFloat16), weights);
}

TEST(Checkpoint, BiasesAreReorderedWithTheirRows) {
  const Scratch scratch;
  DecoderSpec spec = golden::tiny_llama();
  spec.attention_bias = spec.output_bias = spec.mlp_bias = true;
  const Tensors weights = golden::tiny_weights(spec);
  golden::gguf_of(spec, weights, GgmlType::kF32).write(scratch / "model.gguf");
  golden::write_folder(scratch / "hf", spec, weights);
  const Checkpoint checkpoint = Checkpoint::open(scratch / "model.gguf");
  EXPECT_EQ(checkpoint.spec(), spec);
  expect_same(checkpoint.load_all(at::kFloat), weights);
  expect_same(Checkpoint::open(scratch / "hf").load_all(at::kFloat), weights);
}

TEST(Checkpoint, GgufScalingComesAsDivisors) {
  const Scratch scratch;
  const DecoderSpec spec = golden::tiny_llama_llama3_scaling();
  golden::gguf_of(spec, golden::tiny_weights(spec), GgmlType::kF32).write(scratch / "model.gguf");
  const DecoderSpec read = Checkpoint::open(scratch / "model.gguf").spec();
  EXPECT_TRUE(read.tied_head);
  EXPECT_EQ(read.rope_divisors.size(), 4U);
  const std::vector<float> found = inverse_frequencies(read);
  const std::vector<float> expected{1, 0.12732395447F, 0.025F, 0.00790569415F};
  for (size_t j = 0; j < 4; ++j) {
    EXPECT_FLOAT_EQ(found[j], expected[j]);
    EXPECT_FLOAT_EQ(inverse_frequencies(spec)[j], expected[j]);
  }
}

TEST(Checkpoint, FrequencyBuffersOfOldFilesAreIgnored) {
  const Scratch scratch;
  const DecoderSpec spec = golden::tiny_llama();
  Tensors weights = golden::tiny_weights(spec);
  const Tensors expected = weights;
  weights.emplace("model.layers.0.self_attn.rotary_emb.inv_freq", at::ones({4}));
  golden::write_folder(scratch / "hf", spec, weights);
  expect_same(Checkpoint::open(scratch / "hf").load_all(at::kFloat), expected);
}

TEST(Checkpoint, HeadOfATiedModelIsLeftOut) {
  const Scratch scratch;
  const DecoderSpec spec = golden::tiny_llama_llama3_scaling();
  Tensors weights = golden::tiny_weights(spec);
  const Tensors expected = weights;
  weights.emplace("lm_head.weight", weights.at("model.embed_tokens.weight").clone());
  golden::write_folder(scratch / "hf", spec, weights);
  expect_same(Checkpoint::open(scratch / "hf").load_all(at::kFloat), expected);
}

TEST(Checkpoint, HeadDecidesWhereTheConfigIsSilent) {
  for (DecoderSpec spec : {golden::tiny_llama(), golden::tiny_llama_llama3_scaling()}) {
    const Scratch scratch;
    golden::write_folder(scratch / "hf", spec, golden::tiny_weights(spec));
    std::string config = read_text(scratch / "hf/config.json");
    const std::string key = fmt::format("\"tie_word_embeddings\":{},", spec.tied_head);
    ASSERT_THAT(config, HasSubstr(key));
    config.erase(config.find(key), key.size());
    publish(scratch / "hf/config.json", config);
    EXPECT_EQ(Checkpoint::open(scratch / "hf").spec(), spec);
  }
}

TEST(Checkpoint, DigestIsOfTheValuesOnly) {
  const Scratch scratch;
  const DecoderSpec spec = golden::tiny_llama();
  const Tensors weights = golden::tiny_weights(spec);
  golden::write_folder(scratch / "one", spec, weights);
  golden::write_folder(scratch / "four", spec, weights, 4);
  golden::gguf_of(spec, weights, GgmlType::kF32).write(scratch / "model.gguf");
  EXPECT_EQ(Checkpoint::open(scratch / "one").digest(), kTinyDigest);
  EXPECT_EQ(Checkpoint::open(scratch / "four").digest(), kTinyDigest);
  EXPECT_EQ(Checkpoint::open(scratch / "model.gguf").digest(), kTinyDigest);
}

TEST(Checkpoint, DigestSeesEveryBit) {
  const Scratch scratch;
  const DecoderSpec spec = golden::tiny_llama();
  const Tensors weights = golden::tiny_weights(spec);
  const at::Tensor last = weights.at("model.layers.1.mlp.down_proj.weight")[31][47];
  last.copy_(at::nextafter(last, at::ones({})));
  golden::write_folder(scratch / "hf", spec, weights);
  EXPECT_NE(Checkpoint::open(scratch / "hf").digest(), kTinyDigest);
}

TEST(Checkpoint, WeightsAndDigestOfOneReadingAreThoseOfTwo) {
  const Scratch scratch;
  const DecoderSpec spec = wide();
  golden::gguf_of(spec, golden::tiny_weights(spec), GgmlType::kQ8_0).write(scratch / "model.gguf");
  const Checkpoint checkpoint = Checkpoint::open(scratch / "model.gguf");
  const std::pair<at::ScalarType, at::ScalarType> forms[] = {
      {at::kFloat, at::kFloat}, {at::kBFloat16, at::kBFloat16}, {at::kBFloat16, at::kFloat}};
  for (const auto& [dtype, held_as] : forms) {
    const LoadedWeights loaded = checkpoint.load_with_digest(dtype, held_as);
    EXPECT_EQ(loaded.digest, checkpoint.digest());
    Tensors expected;
    for (const auto& [name, tensor] : checkpoint.load_all(dtype)) {
      expected.emplace(name, tensor.to(held_as));
    }
    expect_same(loaded.tensors, expected);
    EXPECT_EQ(loaded.tensors.at("model.norm.weight").scalar_type(), held_as);
  }
}

TEST(Checkpoint, OtherDtypesAndNamesAreErrors) {
  const Scratch scratch;
  const DecoderSpec spec = golden::tiny_llama();
  golden::write_folder(scratch / "hf", spec, golden::tiny_weights(spec));
  const Checkpoint checkpoint = Checkpoint::open(scratch / "hf");
  EXPECT_THROW(checkpoint.load_all(at::kHalf), Error);
  EXPECT_THROW(checkpoint.load_all(at::kFloat, at::kBFloat16), Error);
  EXPECT_THROW(checkpoint.load_with_digest(at::kBFloat16, at::kHalf), Error);
  EXPECT_THROW(checkpoint.load("model.layers.2.mlp.up_proj.weight", at::kFloat), Error);
}

// The published model; expected numbers from the Python package gguf 0.19.0.
class SmolLm2 : public testing::Test {
 protected:
  void SetUp() override {
    path_ = std::filesystem::path(TELORA_SOURCE_DIR) / "models/smollm2-135m-instruct.gguf";
    if (!std::filesystem::exists(path_)) GTEST_SKIP() << path_ << " is absent: run tools/setup.sh";
  }
  std::filesystem::path path_;
};

TEST_F(SmolLm2, Spec) {
  const DecoderSpec spec = Checkpoint::open(path_).spec();
  DecoderSpec expected;
  expected.architecture = "llama";
  expected.layers = 30;
  expected.hidden = 576;
  expected.heads = 9;
  expected.kv_heads = 3;
  expected.head_dim = 64;
  expected.intermediate = 1536;
  expected.vocab = 49152;
  expected.max_positions = 8192;
  expected.rms_eps = 1e-5;
  expected.rope_theta = 100000;
  expected.tied_head = true;
  expected.attention_scale = 0.125;
  EXPECT_EQ(spec, expected);
  EXPECT_EQ(parameter_count(spec), 134'515'008);
}

struct Sample {
  const char* name;
  double sum;
  double magnitude;
  std::vector<std::pair<int64_t, float>> elements;
};

TEST_F(SmolLm2, DequantisedValues) {
  const std::vector<Sample> samples{
      {"model.embed_tokens.weight",
       -15353.04449415207,
       2802153.619805813,
       {{1, 0x1.0e28p-5F}, {9437184, 0x1.2318p-4F}, {28311550, -0x1.eb16p-4F}}},
      {"model.layers.0.self_attn.q_proj.weight",
       59.22322082519531,
       63395.39872741699,
       {{1, 0x1.424p-3F}, {110592, -0x1.e15p-2F}, {331774, -0x1.32ep-3F}}},
      {"model.layers.17.self_attn.k_proj.weight",
       77.54883575439453,
       14329.000648498535,
       {{1, -0x1.0ecp-5F}, {36864, -0x1.008p-6F}, {110590, 0x1.d8p-7F}}},
      {"model.layers.29.mlp.down_proj.weight",
       49.83570861816406,
       126250.91435241699,
       {{1, 0x1.7d8p-3F}, {294912, 0x1.d88p-3F}, {884734, -0x1.7p-4F}}},
      {"model.norm.weight",
       1038.33203125,
       1045.09765625,
       {{1, 0x1.d2p+0F}, {192, 0x1.b8p+0F}, {574, 0x1.ecp+0F}}},
  };
  const Checkpoint checkpoint = Checkpoint::open(path_);
  for (const Sample& sample : samples) {
    const at::Tensor tensor = checkpoint.load(sample.name, at::kFloat).flatten();
    EXPECT_NEAR(tensor.sum(at::kDouble).item<double>(), sample.sum, 1e-6) << sample.name;
    EXPECT_NEAR(tensor.abs().sum(at::kDouble).item<double>(), sample.magnitude, 1e-6);
    for (const auto& [index, value] : sample.elements) {
      EXPECT_EQ(tensor[index].item<float>(), value) << sample.name << " " << index;
    }
  }
}

// The digest covers all values of all tensors, so every dequantised value equals the package's.
TEST_F(SmolLm2, Digest) {
  EXPECT_EQ(Checkpoint::open(path_).digest(),
            "e9ba9e15d07a2e3e1b7c899279e4b3847451f24e73819edfdd3dff845b6ff26a");
}

}  // namespace
}  // namespace telora
