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

DecoderSpec tiny_qwen2() {
  DecoderSpec spec = tiny_llama();
  spec.architecture = "qwen2";
  spec.rms_eps = 1e-6;
  spec.tied_head = true;
  spec.attention_bias = true;
  return spec;
}

DecoderSpec tiny_qwen3() {
  DecoderSpec spec = tiny_llama();
  spec.architecture = "qwen3";
  spec.head_dim = 12;
  spec.attention_scale = 1 / std::sqrt(12.0);
  spec.rms_eps = 1e-6;
  spec.tied_head = true;
  spec.query_key_norm = QueryKeyNorm::kHead;
  return spec;
}

DecoderSpec tiny_exaone4() {
  DecoderSpec spec = tiny_llama_llama3_scaling();
  spec.architecture = "exaone4";
  spec.norm_placement = NormPlacement::kAfter;
  spec.query_key_norm = QueryKeyNorm::kHead;
  return spec;
}

DecoderSpec tiny_granite() {
  DecoderSpec spec = tiny_llama();
  spec.architecture = "granite";
  spec.tied_head = true;
  spec.embedding_scale = 12;
  spec.residual_scale = 0.22;
  spec.attention_scale = 0.125;
  spec.logit_scale = 8;
  return spec;
}

DecoderSpec tiny_olmo2() {
  DecoderSpec spec = tiny_llama();
  spec.architecture = "olmo2";
  spec.rms_eps = 1e-6;
  spec.norm_placement = NormPlacement::kAfter;
  spec.query_key_norm = QueryKeyNorm::kProjection;
  return spec;
}

DecoderSpec tiny_gemma3() {
  DecoderSpec spec = tiny_llama();
  spec.architecture = "gemma3";
  spec.layers = 6;
  spec.rms_eps = 1e-6;
  spec.rope_theta = 1e6;
  spec.local_rope_theta = 1e4;
  spec.local_layers = {true, true, true, true, true, false};
  spec.sliding_window = 4;
  spec.tied_head = true;
  spec.norm_placement = NormPlacement::kBoth;
  spec.norm_offset = true;
  spec.query_key_norm = QueryKeyNorm::kHead;
  spec.activation = Activation::kGeluTanh;
  spec.embedding_scale = std::sqrt(32.0);
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
    at::Tensor values = tiny_tensor(parameter.name, parameter.shape);
    // Stored as offsets from 1: the formula's value by itself.
    if (spec.norm_offset && parameter.name.ends_with("norm.weight")) values = values - 1;
    out.emplace(parameter.name, values);
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
