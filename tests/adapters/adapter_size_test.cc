#include "adapters/adapter_size.h"

#include <gtest/gtest.h>

#include "tests/adapters/support.h"

namespace telora {
namespace {

struct Model {
  const char* name;
  int64_t layers, hidden, heads, kv_heads, head_dim, intermediate;
  int64_t parameters_rank_1;
  uint64_t f32_rank_4, f32_rank_32, bf16_rank_4;
};

// Public configurations; sizes counted from files that PEFT wrote.
const Model kModels[] = {
    {"SmolLM2-135M", 30, 576, 9, 3, 64, 1536, 305'280, 4'938'648, 39'131'224, 2'496'632},
    {"SmolLM2-360M", 32, 960, 15, 5, 64, 2560, 542'720, 8'741'392, 69'527'352, 4'399'968},
    {"SmolLM2-1.7B", 24, 2048, 32, 32, 64, 8192, 1'130'496, 18'131'928, 144'748'392, 9'087'952},
    {"TinyLlama-1.1B", 22, 2048, 32, 4, 64, 5632, 788'480, 12'655'792, 100'966'336, 6'348'072},
};

DecoderSpec spec_of(const Model& model) {
  DecoderSpec spec;
  spec.architecture = "llama";
  spec.layers = model.layers;
  spec.hidden = model.hidden;
  spec.heads = model.heads;
  spec.kv_heads = model.kv_heads;
  spec.head_dim = model.head_dim;
  spec.intermediate = model.intermediate;
  spec.vocab = 100;
  return spec;
}

TEST(AdapterSize, EqualsTheFilesOfPeft) {
  for (const Model& model : kModels) {
    const std::vector<ModuleShape> modules = linear_modules(spec_of(model));
    EXPECT_EQ(lora_parameter_count(modules, 1), model.parameters_rank_1) << model.name;
    EXPECT_EQ(lora_parameter_count(modules, 16), 16 * model.parameters_rank_1) << model.name;
    EXPECT_EQ(adapter_file_bytes(modules, 4, Dtype::kF32), model.f32_rank_4) << model.name;
    EXPECT_EQ(adapter_file_bytes(modules, 32, Dtype::kF32), model.f32_rank_32) << model.name;
    EXPECT_EQ(adapter_file_bytes(modules, 4, Dtype::kBF16), model.bf16_rank_4) << model.name;
  }
}

// peft_tiny/dora: two layers of q_proj 16 x 16 and down_proj 16 x 24, rank 3, written by PEFT.
TEST(AdapterSize, CountsMagnitudes) {
  const std::vector<ModuleShape> modules = {{"model.layers.0.self_attn.q_proj", 16, 16},
                                            {"model.layers.0.mlp.down_proj", 24, 16},
                                            {"model.layers.1.self_attn.q_proj", 16, 16},
                                            {"model.layers.1.mlp.down_proj", 24, 16}};
  EXPECT_EQ(lora_parameter_count(modules, 3, true), lora_parameter_count(modules, 3) + 4 * 16);
  EXPECT_EQ(adapter_file_bytes(modules, 3, Dtype::kF32, true),
            std::filesystem::file_size(testing::peft_folder("dora") / "adapter_model.safetensors"));
}

}  // namespace
}  // namespace telora
