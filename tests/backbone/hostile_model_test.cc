#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>

#include "backbone/checkpoint.h"
#include "core/document.h"
#include "core/error.h"
#include "core/files.h"
#include "tests/backbone/failure.h"
#include "tests/golden/model_files.h"
#include "tests/golden/scratch.h"

namespace telora {
namespace {

using golden::GgufWriter;
using golden::Scratch;
using golden::Tensors;
using Json = nlohmann::ordered_json;
using ::testing::AllOf;
using ::testing::HasSubstr;

struct ConfigCase {
  const char* name;
  const char* patch;  // JSON merge patch (RFC 7396) of a good config.json; null removes the key
  std::vector<std::string> named;
};

void PrintTo(const ConfigCase& test, std::ostream* out) {
  *out << test.name;
}  // names the test, always alike

class HostileConfig : public testing::TestWithParam<ConfigCase> {};

TEST_P(HostileConfig, IsRefusedByName) {
  const Scratch scratch;
  const DecoderSpec spec = golden::tiny_llama();
  golden::write_folder(scratch / "hf", spec, golden::tiny_weights(spec));
  const auto path = scratch / "hf/config.json";
  Json config = Json::parse(read_text(path));
  config.merge_patch(Json::parse(GetParam().patch));
  publish(path, to_json(config));
  const Failure failure = failure_of(scratch / "hf");
  EXPECT_EQ(failure.kind, ErrorKind::kData) << failure.message;
  EXPECT_THAT(failure.message, HasSubstr("config.json"));
  for (const std::string& part : GetParam().named) EXPECT_THAT(failure.message, HasSubstr(part));
}

const ConfigCase kConfigCases[] = {
    {"UnknownFamily", R"({"model_type": "mamba2"})", {"model_type", "mamba2", "llama, qwen2"}},
    {"NoFamily", R"({"model_type": null})", {"model_type"}},
    {"Classifier",
     R"({"architectures": ["LlamaForSequenceClassification"]})",
     {"architectures", "LlamaForSequenceClassification"}},
    {"Activation", R"({"hidden_act": "gelu"})", {"hidden_act", "gelu", "silu"}},
    {"Yarn", R"({"rope_parameters": {"rope_type": "yarn", "factor": 4}})", {"rope_type", "yarn"}},
    {"ScalingWithoutNumbers", R"({"rope_parameters": {"rope_type": "llama3"}})", {"factor"}},
    {"ScalingOfNoType",
     R"({"rope_parameters": null, "rope_theta": 1e4, "rope_scaling": {"factor": 2}})",
     {"rope_type"}},
    {"BothRopeForms",
     R"({"rope_scaling": {"rope_type": "default"}})",
     {"rope_scaling", "rope_parameters"}},
    {"TwoThetas", R"({"rope_theta": 5.0})", {"rope_theta", "5", "10000"}},
    {"ThetaNotPositive", R"({"rope_parameters": {"rope_theta": 0}})", {"rope_theta"}},
    {"LimitsCrossed",
     R"({"rope_parameters": {"rope_type": "llama3", "factor": 4, "low_freq_factor": 4,
         "high_freq_factor": 4, "original_max_position_embeddings": 32}})",
     {"high_freq_factor"}},
    {"Quantised",
     R"({"quantization_config": {"quant_method": "gptq"}})",
     {"quantization_config", "gptq"}},
    {"HeadsNotDivisible", R"({"num_key_value_heads": 3})", {"num_key_value_heads", "3", "4"}},
    {"NoHeads", R"({"num_attention_heads": 0})", {"num_attention_heads", "0"}},
    {"OddHead", R"({"head_dim": 7})", {"head_dim", "7", "even"}},
    {"HeadDimUnknown",
     R"({"head_dim": null, "num_attention_heads": 5, "num_key_value_heads": 5})",
     {"num_attention_heads", "5", "hidden_size 32"}},
    {"HugeLayers", R"({"num_hidden_layers": 2147483648})", {"num_hidden_layers", "2147483648"}},
    {"HugeVocabulary", R"({"vocab_size": 9223372036854775807})", {"vocab_size"}},
    {"NegativeSize", R"({"hidden_size": -32})", {"hidden_size", "-32"}},
    {"FractionalSize", R"({"intermediate_size": 48.5})", {"intermediate_size", "48.5"}},
    {"TextForSize", R"({"intermediate_size": "48"})", {"intermediate_size"}},
    {"NoEpsilon", R"({"rms_norm_eps": null})", {"rms_norm_eps"}},
    {"Experts", R"({"num_local_experts": 8})", {"num_local_experts", "8"}},
    {"OwnCode", R"({"auto_map": {"AutoModel": "x.Y"}})", {"auto_map", "never run"}},
    {"SlidingWindow", R"({"sliding_window": 4096})", {"sliding_window", "4096"}},
    {"LayerTypes",
     R"({"layer_types": ["full_attention", "mamba"]})",
     {"layer_types", "mamba", "full_attention"}},
    {"Interleaved", R"({"rope_interleaved": true})", {"rope_interleaved"}},
    {"Multiplier", R"({"residual_multiplier": 0.22})", {"residual_multiplier"}},
    {"TruthNotBool", R"({"attention_bias": 1})", {"attention_bias"}},
};

INSTANTIATE_TEST_SUITE_P(Keys, HostileConfig, testing::ValuesIn(kConfigCases),
                         [](const auto& info) { return std::string(info.param.name); });

struct GgufCase {
  const char* name;
  std::function<void(GgufWriter&)> extra;  // keys that come before the model's own
  std::vector<std::string> removed;        // of the model's own
  std::vector<std::string> named;
};

// gguf_metadata() with some keys left out.
GgufWriter metadata_without(const std::vector<std::string>& removed) {
  const auto kept = [&](const std::string& key) {
    return std::find(removed.begin(), removed.end(), key) == removed.end();
  };
  GgufWriter writer;
  if (kept("general.architecture")) writer.set_string("general.architecture", "llama");
  const std::pair<const char*, uint32_t> counts[] = {
      {"llama.block_count", 2},          {"llama.context_length", 64},
      {"llama.embedding_length", 32},    {"llama.feed_forward_length", 48},
      {"llama.attention.head_count", 4}, {"llama.attention.head_count_kv", 2},
      {"llama.vocab_size", 40}};
  for (const auto& [key, value] : counts) {
    if (kept(key)) writer.set_u32(key, value);
  }
  if (kept("llama.rope.freq_base")) writer.set_f32("llama.rope.freq_base", 10000);
  if (kept("llama.attention.layer_norm_rms_epsilon")) {
    writer.set_f32("llama.attention.layer_norm_rms_epsilon", 1e-5F);
  }
  return writer;
}

void add_tensors(GgufWriter& writer, const DecoderSpec& spec) {
  for (const auto& [name, weight] : golden::tiny_weights(spec)) {
    golden::add_gguf_tensor(writer, spec, name, weight, GgmlType::kF16);
  }
}

void PrintTo(const GgufCase& test, std::ostream* out) {
  *out << test.name;
}  // names the test, always alike

class HostileGguf : public testing::TestWithParam<GgufCase> {};

TEST_P(HostileGguf, IsRefusedByName) {
  const Scratch scratch;
  GgufWriter writer = metadata_without(GetParam().removed);
  GetParam().extra(writer);
  add_tensors(writer, golden::tiny_llama());
  writer.write(scratch / "model.gguf");
  const Failure failure = failure_of(scratch / "model.gguf");
  EXPECT_EQ(failure.kind, ErrorKind::kData) << failure.message;
  EXPECT_THAT(failure.message, HasSubstr("model.gguf"));
  for (const std::string& part : GetParam().named) EXPECT_THAT(failure.message, HasSubstr(part));
}

// A case that replaces a key, one that only adds and one that only removes.
GgufCase replaced(const char* name, const std::string& key, uint32_t value) {
  return {name, [=](GgufWriter& w) { w.set_u32(key, value); }, {key}, {key}};
}
GgufCase removed(const char* name, const std::string& key) {
  return {name, [](GgufWriter&) {}, {key}, {key}};
}
GgufCase added(const char* name, const std::string& key, uint32_t value) {
  return {name, [=](GgufWriter& w) { w.set_u32(key, value); }, {}, {key}};
}

const GgufCase kGgufCases[] = {
    replaced("HugeBlockCount", "llama.block_count", 0x80000000),
    replaced("MoreBlocksThanTensors", "llama.block_count", 1000),
    replaced("NoBlocks", "llama.block_count", 0),
    replaced("HeadsNotDivisible", "llama.attention.head_count_kv", 3),
    replaced("WidthNotDivisible", "llama.attention.head_count", 5),
    replaced("NoHeads", "llama.attention.head_count", 0),
    replaced("ArchitectureOfAnotherType", "general.architecture", 7),
    removed("NoRopeBase", "llama.rope.freq_base"),
    removed("NoEpsilon", "llama.attention.layer_norm_rms_epsilon"),
    removed("NoContextLength", "llama.context_length"),
    removed("NoVocabulary", "llama.vocab_size"),
    added("Experts", "llama.expert_count", 8),
    added("RotatedPart", "llama.rope.dimension_count", 4),
    added("SlidingWindow", "llama.attention.sliding_window", 512),
    added("UnknownKey", "llama.attention.clamp_kqv", 1),
    added("SplitFile", "split.count", 3),
    {"OtherFamily",
     [](GgufWriter& w) { w.set_string("general.architecture", "mamba2"); },
     {"general.architecture"},
     {"general.architecture", "mamba2"}},
    {"Adapter",
     [](GgufWriter& w) { w.set_string("general.type", "adapter"); },
     {},
     {"general.type", "adapter"}},
    {"Yarn",
     [](GgufWriter& w) { w.set_string("llama.rope.scaling.type", "yarn"); },
     {},
     {"llama.rope.scaling.type", "yarn"}},
    {"LinearScaling",
     [](GgufWriter& w) { w.set_f32("llama.rope.scaling.factor", 4); },
     {},
     {"llama.rope.scaling.factor", "4"}},
    {"HeadsDifferByLayer",
     [](GgufWriter& w) {
       w.set_u32s("llama.attention.head_count_kv", {2, 1});
     },
     {"llama.attention.head_count_kv"},
     {"llama.attention.head_count_kv"}},
    {"RopeBaseNotFinite",
     [](GgufWriter& w) { w.set_f32("llama.rope.freq_base", NAN); },
     {"llama.rope.freq_base"},
     {"llama.rope.freq_base"}},
};

INSTANTIATE_TEST_SUITE_P(Keys, HostileGguf, testing::ValuesIn(kGgufCases),
                         [](const auto& info) { return std::string(info.param.name); });

// An array that says the same for every layer is as good as one number.
TEST(ModelFiles, HeadCountAsUniformArray) {
  const Scratch scratch;
  GgufWriter writer = metadata_without({"llama.attention.head_count_kv"});
  writer.set_u32s("llama.attention.head_count_kv", {2, 2});
  add_tensors(writer, golden::tiny_llama());
  writer.write(scratch / "model.gguf");
  EXPECT_EQ(Checkpoint::open(scratch / "model.gguf").spec(), golden::tiny_llama());
}

TEST(HostileModel, AllTensorFaultsInOneError) {
  const Scratch scratch;
  const DecoderSpec spec = golden::tiny_llama();
  Tensors weights = golden::tiny_weights(spec);
  weights.erase("model.norm.weight");
  weights.erase("model.layers.1.mlp.up_proj.weight");
  weights.emplace("model.layers.2.mlp.up_proj.weight", at::ones({48, 32}));
  weights["model.layers.0.self_attn.k_proj.weight"] = at::ones({32, 16});
  weights["lm_head.weight"] = weights["lm_head.weight"].to(at::kDouble);
  golden::write_folder(scratch / "hf", spec, weights);
  const Failure failure = failure_of(scratch / "hf");
  EXPECT_EQ(failure.kind, ErrorKind::kData);
  EXPECT_THAT(failure.message,
              AllOf(HasSubstr("2 missing (model.layers.1.mlp.up_proj.weight, model.norm.weight)"),
                    HasSubstr("1 extra (model.layers.2.mlp.up_proj.weight)"),
                    HasSubstr("1 misshapen (model.layers.0.self_attn.k_proj.weight [32, 16] "
                              "instead of [16, 32])"),
                    HasSubstr("1 unreadable (lm_head.weight of type F64)")));
}

TEST(HostileModel, AllTensorFaultsOfAGgufFile) {
  const Scratch scratch;
  const DecoderSpec spec = golden::tiny_llama();
  Tensors weights = golden::tiny_weights(spec);
  weights.erase("model.norm.weight");
  weights["model.layers.0.mlp.up_proj.weight"] = at::ones({32, 48});
  GgufWriter writer = golden::gguf_of(spec, weights, GgmlType::kF16);
  writer.add_tensor("model.norm.weight", {32}, GgmlType::kF32, std::string(128, '\0'));
  writer.write(scratch / "model.gguf");
  EXPECT_THAT(
      failure_of(scratch / "model.gguf").message,
      AllOf(HasSubstr("1 missing (output_norm.weight)"), HasSubstr("1 extra (model.norm.weight)"),
            HasSubstr("1 misshapen (blk.0.ffn_up.weight [32, 48] instead of [48, 32])")));
}

TEST(HostileModel, TruncatedGguf) {
  const Scratch scratch;
  const DecoderSpec spec = golden::tiny_llama();
  const std::string bytes =
      golden::gguf_of(spec, golden::tiny_weights(spec), GgmlType::kF16).bytes();
  const std::filesystem::path path = scratch / "model.gguf";
  for (const size_t size : {size_t{0}, size_t{3}, size_t{40}, bytes.size() / 2, bytes.size() - 1}) {
    publish(path, bytes.substr(0, size));
    const Failure failure = failure_of(path);
    EXPECT_EQ(failure.kind, ErrorKind::kData) << size;
    EXPECT_THAT(failure.message, HasSubstr("model.gguf")) << size;
  }
}

// The file shrinks between opening and reading: a fault of the machine (exit code 74), never a
// signal.
TEST(HostileModel, TruncatedWhileOpen) {
  const Scratch scratch;
  const DecoderSpec spec = golden::tiny_llama();
  golden::write_folder(scratch / "hf", spec, golden::tiny_weights(spec));
  golden::gguf_of(spec, golden::tiny_weights(spec), GgmlType::kF16).write(scratch / "model.gguf");
  const std::pair<std::filesystem::path, std::filesystem::path> models[] = {
      {scratch / "hf", scratch / "hf/model.safetensors"},
      {scratch / "model.gguf", scratch / "model.gguf"}};
  for (const auto& [path, file] : models) {
    const Checkpoint checkpoint = Checkpoint::open(path);
    std::filesystem::resize_file(file, 6000);
    const std::function<void()> uses[] = {[&] { checkpoint.load_all(at::kFloat); },
                                          [&] { checkpoint.digest(); }};
    for (const auto& use : uses) {
      const Failure failure = failure_of(use);
      EXPECT_EQ(failure.kind, ErrorKind::kIo) << failure.message;
      EXPECT_THAT(failure.message, AllOf(HasSubstr(file.string()), HasSubstr("shortened")));
    }
  }
}

// Rows of no length are no weights of a model, although a container may hold them.
TEST(HostileModel, EmptyTensorInAWeightsPlace) {
  const Scratch scratch;
  const DecoderSpec spec = golden::tiny_llama();
  Tensors weights = golden::tiny_weights(spec);
  weights["model.norm.weight"] = at::ones({0});
  weights["model.layers.0.mlp.up_proj.weight"] = at::ones({48, 0});
  golden::write_folder(scratch / "hf", spec, weights);
  EXPECT_THAT(failure_of(scratch / "hf").message,
              AllOf(HasSubstr("2 misshapen"), HasSubstr("model.norm.weight [0] instead of [32]"),
                    HasSubstr("model.layers.0.mlp.up_proj.weight [48, 0] instead of [48, 32]")));
}

// Later parts of a split file hold no configuration, only tensors and these keys.
TEST(HostileModel, LaterPartOfASplitGguf) {
  const Scratch scratch;
  GgufWriter writer;
  writer.set_u32("split.no", 1);
  writer.set_u32("split.count", 3);
  add_tensors(writer, golden::tiny_llama());
  writer.write(scratch / "model-00002-of-00003.gguf");
  const Failure failure = failure_of(scratch / "model-00002-of-00003.gguf");
  EXPECT_EQ(failure.kind, ErrorKind::kData);
  EXPECT_THAT(failure.message, AllOf(HasSubstr("model-00002-of-00003.gguf: split.count: found 3"),
                                     HasSubstr("llama-gguf-split --merge")));
}

TEST(HostileModel, NotFiniteWeights) {
  const float bad[] = {std::numeric_limits<float>::quiet_NaN(),
                       -std::numeric_limits<float>::infinity()};
  for (const float value : bad) {
    const Scratch scratch;
    const DecoderSpec spec = golden::tiny_llama();
    const Tensors weights = golden::tiny_weights(spec);
    weights.at("model.layers.1.mlp.gate_proj.weight")[2][5] = value;
    weights.at("model.layers.1.mlp.gate_proj.weight")[2][6] = value;
    golden::write_folder(scratch / "hf", spec, weights);
    const auto named =
        AllOf(HasSubstr("model.safetensors"), HasSubstr("model.layers.1.mlp.gate_proj.weight"),
              HasSubstr("element 69 "), HasSubstr(value < 0 ? "-inf" : "nan"));
    EXPECT_THAT(failure_of(scratch / "hf").message, named);
    EXPECT_THAT(failure_of(scratch / "hf", at::kBFloat16).message, named);
    EXPECT_THROW(Checkpoint::open(scratch / "hf").digest(), Error);
  }
}

// Row 1 of a q projection lies in row 2 of the GGUF file; the index is that of the parameter.
TEST(HostileModel, NotFiniteReorderedRow) {
  const Scratch scratch;
  const DecoderSpec spec = golden::tiny_llama();
  const Tensors weights = golden::tiny_weights(spec);
  weights.at("model.layers.0.self_attn.q_proj.weight")[1][3] = NAN;
  golden::gguf_of(spec, weights, GgmlType::kF32).write(scratch / "model.gguf");
  EXPECT_THAT(failure_of(scratch / "model.gguf").message,
              AllOf(HasSubstr("blk.0.attn_q.weight"), HasSubstr("element 35 ")));
}

// The largest float is finite, but would round to infinity in bfloat16.
TEST(HostileModel, WeightBeyondBFloat16) {
  const Scratch scratch;
  const DecoderSpec spec = golden::tiny_llama();
  const Tensors weights = golden::tiny_weights(spec);
  weights.at("lm_head.weight")[0][1] = std::numeric_limits<float>::max();
  golden::write_folder(scratch / "hf", spec, weights);
  EXPECT_NO_THROW(Checkpoint::open(scratch / "hf").load_all(at::kFloat));
  EXPECT_THAT(failure_of(scratch / "hf", at::kBFloat16).message, HasSubstr("element 1 "));
}

TEST(HostileModel, TiedHeadThatDiffers) {
  const Scratch scratch;
  const DecoderSpec spec = golden::tiny_llama_llama3_scaling();
  Tensors weights = golden::tiny_weights(spec);
  weights.emplace("lm_head.weight", weights.at("model.embed_tokens.weight") + 1);
  golden::write_folder(scratch / "hf", spec, weights);
  EXPECT_THAT(failure_of(scratch / "hf").message,
              AllOf(HasSubstr("lm_head.weight"), HasSubstr("tie_word_embeddings")));
}

TEST(HostileModel, RopeDivisorsOfTheWrongLength) {
  const Scratch scratch;
  const DecoderSpec spec = golden::tiny_llama();
  GgufWriter writer = golden::gguf_of(spec, golden::tiny_weights(spec), GgmlType::kF32);
  const std::vector<float> ones(3, 1);
  writer.add_tensor("rope_freqs.weight", {3}, GgmlType::kF32,
                    golden::quantize(GgmlType::kF32, ones));
  writer.write(scratch / "model.gguf");
  EXPECT_THAT(failure_of(scratch / "model.gguf").message,
              AllOf(HasSubstr("rope_freqs.weight"), HasSubstr("4 values")));
}

TEST(HostileModel, RopeDivisorsNotPositive) {
  const Scratch scratch;
  const DecoderSpec spec = golden::tiny_llama();
  GgufWriter writer = golden::gguf_of(spec, golden::tiny_weights(spec), GgmlType::kF32);
  const std::vector<float> divisors{1, 0, 1, 1};
  writer.add_tensor("rope_freqs.weight", {4}, GgmlType::kF32,
                    golden::quantize(GgmlType::kF32, divisors));
  writer.write(scratch / "model.gguf");
  EXPECT_THAT(failure_of(scratch / "model.gguf").message, HasSubstr("rope_freqs.weight"));
}

TEST(HostileModel, NothingToOpen) {
  const Scratch scratch;
  EXPECT_EQ(failure_of(scratch / "absent.gguf").kind, ErrorKind::kMissing);
  EXPECT_THAT(failure_of(scratch.path()).message, HasSubstr("config.json"));
  const DecoderSpec spec = golden::tiny_llama();
  publish(scratch / "config.json", golden::config_json(spec, golden::ConfigStyle::kTransformers4));
  EXPECT_EQ(failure_of(scratch.path()).kind, ErrorKind::kMissing);
  publish(scratch / "pytorch_model.bin", "x");
  EXPECT_THAT(failure_of(scratch.path()).message, HasSubstr("pickle"));
  publish(scratch / "model.safetensors", "x");
  EXPECT_THAT(failure_of(scratch / "model.safetensors").message, HasSubstr("folder"));
}

}  // namespace
}  // namespace telora
