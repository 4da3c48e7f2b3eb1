#include "tests/golden/tiny_models.h"

#include <ATen/ATen.h>

#include <cmath>

namespace telora::golden {

DecoderSpec tiny_llama() {
  DecoderSpec spec;
  spec.architecture = "llama";
  spec.layers = 2;
  spec.hidden = 32;
  spec.heads = 4;
  spec.kv_heads = 2;
  spec.head_dim = 8;
  spec.intermediate = 48;
  spec.vocab = 40;
  spec.max_positions = 64;
  spec.rms_eps = 1e-5;
  spec.rope_theta = 10000;
  spec.attention_scale = 1 / std::sqrt(8.0);
  return spec;
}

DecoderSpec tiny_llama_llama3_scaling() {
  DecoderSpec spec = tiny_llama();
  spec.rope_theta = 100;
  spec.rope_scaling = RopeScaling{.factor = 4, .low = 1, .high = 4, .original = 32};
  spec.tied_head = true;
  return spec;
}

std::vector<int64_t> tiny_tokens() { return {3, 1, 4, 1, 5, 9, 2, 6}; }

at::Tensor tiny_tensor(const std::string& name, const std::vector<int64_t>& shape) {
  at::Tensor out = at::empty(shape, at::kFloat);
  int64_t sum = 0;
  for (const unsigned char byte : name) sum += byte;
  const float base = name.ends_with("norm.weight") ? 1.0F : 0.0F;
  auto* values = out.data_ptr<float>();
  for (int64_t e = 0; e < out.numel(); ++e) {
    const int64_t residue = (7919 * sum + 104729 * e + 31 * e * e) % 65536;
    values[e] = base + static_cast<float>(residue - 32768) / 131072;
  }
  return out;
}

Tensors tiny_weights(const DecoderSpec& spec) {
  Tensors out;
  for (const ParameterShape& parameter : parameter_shapes(spec)) {
    out.emplace(parameter.name, tiny_tensor(parameter.name, parameter.shape));
  }
  return out;
}

Tensors tiny_lora(const DecoderSpec& spec) {
  Tensors out;
  for (const ModuleShape& module : linear_modules(spec)) {
    const std::string prefix = "base_model.model." + module.name;
    const std::string a = prefix + ".lora_A.weight";
    const std::string b = prefix + ".lora_B.weight";
    out.emplace(a, tiny_tensor(a, {kTinyLoraRank, module.in}));
    out.emplace(b, tiny_tensor(b, {module.out, kTinyLoraRank}));
  }
  return out;
}

}  // namespace telora::golden
