#include "backbone/decoder_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "backbone/gguf_names.h"

namespace telora {
namespace {

using ::testing::ElementsAre;

struct Family {
  const char* name;
  int64_t layers, hidden, heads, kv_heads, head_dim, intermediate, vocab;
  double theta;
  bool tied;
  int64_t parameters;
  int64_t lora_values_a_rank;  // all seven linears
};

const Family kFamilies[] = {
    {"SmolLM2-135M", 30, 576, 9, 3, 64, 1536, 49152, 1e5, true, 134'515'008, 305'280},
    {"SmolLM2-360M", 32, 960, 15, 5, 64, 2560, 49152, 1e5, true, 361'821'120, 542'720},
    {"SmolLM2-1.7B", 24, 2048, 32, 32, 64, 8192, 49152, 130000, true, 1'711'376'384, 1'130'496},
    {"TinyLlama-1.1B", 22, 2048, 32, 4, 64, 5632, 32000, 1e4, false, 1'100'048'384, 788'480},
    {"Llama-3.2-1B", 16, 2048, 32, 8, 64, 8192, 128256, 5e5, true, 1'235'814'400, 704'512},
};

DecoderSpec spec_of(const Family& family) {
  DecoderSpec spec;
  spec.architecture = "llama";
  spec.layers = family.layers;
  spec.hidden = family.hidden;
  spec.heads = family.heads;
  spec.kv_heads = family.kv_heads;
  spec.head_dim = family.head_dim;
  spec.intermediate = family.intermediate;
  spec.vocab = family.vocab;
  spec.rope_theta = family.theta;
  spec.tied_head = family.tied;
  return spec;
}

void PrintTo(const Family& family, std::ostream* out) {
  *out << family.name;
}  // names the test, always alike

class Published : public testing::TestWithParam<Family> {};

TEST_P(Published, ParameterCount) {
  EXPECT_EQ(parameter_count(spec_of(GetParam())), GetParam().parameters);
}

TEST_P(Published, LoraValuesPerRank) {
  int64_t count = 0;
  for (const ModuleShape& module : linear_modules(spec_of(GetParam()))) {
    count += module.in + module.out;
  }
  EXPECT_EQ(count, GetParam().lora_values_a_rank);
}

// Every linear module is the weight [out, in] of the same name.
TEST_P(Published, ModulesMatchParameters) {
  const DecoderSpec spec = spec_of(GetParam());
  std::map<std::string, std::vector<int64_t>> shapes;
  for (const ParameterShape& parameter : parameter_shapes(spec)) {
    EXPECT_TRUE(shapes.emplace(parameter.name, parameter.shape).second) << parameter.name;
  }
  EXPECT_EQ(linear_modules(spec).size(), static_cast<size_t>(7 * spec.layers));
  for (const ModuleShape& module : linear_modules(spec)) {
    EXPECT_THAT(shapes[module.name + ".weight"], ElementsAre(module.out, module.in)) << module.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, Published, testing::ValuesIn(kFamilies), [](const auto& info) {
  std::string name = info.param.name;
  std::erase_if(name, [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); });
  return name;
});

TEST(DecoderSpec, ParameterNamesInForwardOrder) {
  DecoderSpec spec = spec_of(kFamilies[3]);
  spec.layers = 1;
  std::vector<std::string> names;
  for (const ParameterShape& parameter : parameter_shapes(spec)) names.push_back(parameter.name);
  EXPECT_THAT(
      names,
      ElementsAre(
          "model.embed_tokens.weight", "model.layers.0.input_layernorm.weight",
          "model.layers.0.self_attn.q_proj.weight", "model.layers.0.self_attn.k_proj.weight",
          "model.layers.0.self_attn.v_proj.weight", "model.layers.0.self_attn.o_proj.weight",
          "model.layers.0.mlp.gate_proj.weight", "model.layers.0.mlp.up_proj.weight",
          "model.layers.0.mlp.down_proj.weight", "model.layers.0.post_attention_layernorm.weight",
          "model.norm.weight", "lm_head.weight"));
}

TEST(DecoderSpec, BiasesFollowTheirSwitches) {
  DecoderSpec spec = spec_of(kFamilies[0]);
  const size_t plain = parameter_shapes(spec).size();
  spec.attention_bias = true;
  EXPECT_EQ(parameter_shapes(spec).size(), plain + 3 * 30);
  spec.output_bias = true;
  EXPECT_EQ(parameter_shapes(spec).size(), plain + 4 * 30);
  EXPECT_EQ(parameter_count(spec), 134'515'008 + 30 * (576 + 192 + 192 + 576));
  spec.mlp_bias = true;
  EXPECT_EQ(parameter_shapes(spec).size(), plain + 7 * 30);
}

// Relative error of float arithmetic; the expected values have ten digits.
void expect_frequency(const DecoderSpec& spec, size_t index, double expected) {
  const double found = inverse_frequencies(spec).at(index);
  EXPECT_NEAR(found / expected, 1, 3e-7) << index;
}

TEST(InverseFrequencies, Unscaled) {
  expect_frequency(spec_of(kFamilies[0]), 0, 1);
  expect_frequency(spec_of(kFamilies[0]), 1, 6.978305849e-01);
  expect_frequency(spec_of(kFamilies[0]), 31, 1.433012570e-05);
  expect_frequency(spec_of(kFamilies[2]), 1, 6.921325441e-01);
  expect_frequency(spec_of(kFamilies[2]), 31, 1.111392284e-05);
  expect_frequency(spec_of(kFamilies[3]), 1, 7.498942093e-01);
  expect_frequency(spec_of(kFamilies[3]), 31, 1.333521432e-04);
  EXPECT_EQ(inverse_frequencies(spec_of(kFamilies[0])).size(), 32U);
}

TEST(InverseFrequencies, Llama32Scaling) {
  DecoderSpec spec = spec_of(kFamilies[4]);
  spec.rope_scaling = RopeScaling{.factor = 32, .low = 1, .high = 4, .original = 8192};
  expect_frequency(spec, 0, 1);
  expect_frequency(spec, 1, 6.636012377e-01);
  expect_frequency(spec, 13, 4.839421346e-03);
  expect_frequency(spec, 14, 3.211445995e-03);
  expect_frequency(spec, 15, 1.290547928e-03);
  expect_frequency(spec, 16, 4.295567966e-04);
  expect_frequency(spec, 17, 9.708287803e-05);
  expect_frequency(spec, 18, 1.946163818e-05);
  expect_frequency(spec, 31, 9.418306725e-08);
}

// The same rule with another base and factor, as EXAONE-4.0-1.2B has them.
TEST(InverseFrequencies, Factor16Scaling) {
  DecoderSpec spec = spec_of(kFamilies[4]);
  spec.rope_theta = 1e6;
  spec.rope_scaling = RopeScaling{.factor = 16, .low = 1, .high = 4, .original = 8192};
  expect_frequency(spec, 13, 3.651741273e-03);
  expect_frequency(spec, 14, 1.698341255e-03);
  expect_frequency(spec, 15, 5.812029373e-04);
  expect_frequency(spec, 16, 1.574366543e-04);
  expect_frequency(spec, 17, 4.058635197e-05);
  expect_frequency(spec, 31, 9.624540788e-08);
}

TEST(InverseFrequencies, DivisorsOfAGgufFile) {
  DecoderSpec spec = spec_of(kFamilies[0]);
  spec.rope_divisors.assign(32, 2.0F);
  expect_frequency(spec, 1, 6.978305849e-01 / 2);
}

TEST(GgufNames, EveryParameterHasOne) {
  EXPECT_EQ(gguf_name("model.embed_tokens.weight"), "token_embd.weight");
  EXPECT_EQ(gguf_name("model.norm.weight"), "output_norm.weight");
  EXPECT_EQ(gguf_name("lm_head.weight"), "output.weight");
  EXPECT_EQ(gguf_name("model.layers.12.self_attn.o_proj.weight"), "blk.12.attn_output.weight");
  EXPECT_EQ(gguf_name("model.layers.0.self_attn.q_proj.bias"), "blk.0.attn_q.bias");
  EXPECT_EQ(gguf_name("model.layers.3.post_attention_layernorm.weight"), "blk.3.ffn_norm.weight");
  for (const char* none : {"", "model.layers.", "model.layers.3", "model.layers.3.weight",
                           "model.layers..mlp.up_proj.weight", "model.layers.3.mlp.weight"}) {
    EXPECT_EQ(gguf_name(none), "") << none;
  }
}

// Head length 8: the halves 0..3 and 4..7 are interleaved; the next head follows the same rule.
TEST(GgufNames, RowOrder) {
  std::vector<int64_t> rows;
  for (int64_t row = 0; row < 16; ++row) rows.push_back(gguf_row(row, 8));
  EXPECT_THAT(rows, ElementsAre(0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15));
}

}  // namespace
}  // namespace telora
