#include "backbone/decoder_spec.h"

#include <fmt/format.h>

#include <cmath>
#include <functional>
#include <numbers>
#include <numeric>

namespace telora {

namespace {

struct BlockLinear {
  const char* name;
  int64_t in;
  int64_t out;
  bool bias;
};

std::vector<BlockLinear> block_linears(const DecoderSpec& spec) {
  const int64_t query = spec.heads * spec.head_dim;
  const int64_t key = spec.kv_heads * spec.head_dim;
  return {
      {"self_attn.q_proj", spec.hidden, query, spec.attention_bias},
      {"self_attn.k_proj", spec.hidden, key, spec.attention_bias},
      {"self_attn.v_proj", spec.hidden, key, spec.attention_bias},
      {"self_attn.o_proj", query, spec.hidden, spec.attention_bias},
      {"mlp.gate_proj", spec.hidden, spec.intermediate, spec.mlp_bias},
      {"mlp.up_proj", spec.hidden, spec.intermediate, spec.mlp_bias},
      {"mlp.down_proj", spec.intermediate, spec.hidden, spec.mlp_bias},
  };
}

void append_block(const DecoderSpec& spec, int64_t layer, std::vector<ParameterShape>& out) {
  const std::string prefix = fmt::format("model.layers.{}.", layer);
  out.push_back({prefix + "input_layernorm.weight", {spec.hidden}});
  for (const BlockLinear& linear : block_linears(spec)) {
    out.push_back({prefix + linear.name + ".weight", {linear.out, linear.in}});
    if (linear.bias) out.push_back({prefix + linear.name + ".bias", {linear.out}});
  }
  out.push_back({prefix + "post_attention_layernorm.weight", {spec.hidden}});
}

// Llama 3: wavelengths below original/high stay, above original/low are divided, between are mixed.
float scaled(float frequency, const RopeScaling& scaling) {
  const auto factor = static_cast<float>(scaling.factor);
  const float wavelength = static_cast<float>(2 * std::numbers::pi) / frequency;
  if (wavelength < static_cast<float>(scaling.original / scaling.high)) return frequency;
  if (wavelength > static_cast<float>(scaling.original / scaling.low)) return frequency / factor;
  const float smooth =
      (static_cast<float>(scaling.original) / wavelength - static_cast<float>(scaling.low)) /
      static_cast<float>(scaling.high - scaling.low);
  return (1 - smooth) * frequency / factor + smooth * frequency;
}

}  // namespace

std::vector<ParameterShape> parameter_shapes(const DecoderSpec& spec) {
  std::vector<ParameterShape> out{{"model.embed_tokens.weight", {spec.vocab, spec.hidden}}};
  for (int64_t layer = 0; layer < spec.layers; ++layer) append_block(spec, layer, out);
  out.push_back({"model.norm.weight", {spec.hidden}});
  if (!spec.tied_head) out.push_back({"lm_head.weight", {spec.vocab, spec.hidden}});
  return out;
}

std::vector<ModuleShape> linear_modules(const DecoderSpec& spec) {
  std::vector<ModuleShape> out;
  for (int64_t layer = 0; layer < spec.layers; ++layer) {
    for (const BlockLinear& linear : block_linears(spec)) {
      out.push_back({fmt::format("model.layers.{}.{}", layer, linear.name), linear.in, linear.out});
    }
  }
  return out;
}

int64_t parameter_count(const DecoderSpec& spec) {
  int64_t count = 0;
  for (const ParameterShape& parameter : parameter_shapes(spec)) {
    count += std::accumulate(parameter.shape.begin(), parameter.shape.end(), int64_t{1},
                             std::multiplies<>());
  }
  return count;
}

std::vector<float> inverse_frequencies(const DecoderSpec& spec) {
  std::vector<float> out;
  for (int64_t j = 0; j < spec.head_dim / 2; ++j) {
    const float exponent = static_cast<float>(2 * j) / static_cast<float>(spec.head_dim);
    const auto period = static_cast<float>(std::pow(spec.rope_theta, exponent));
    float frequency = 1.0F / period;
    if (spec.rope_scaling) frequency = scaled(frequency, *spec.rope_scaling);
    if (!spec.rope_divisors.empty()) frequency /= spec.rope_divisors.at(j);
    out.push_back(frequency);
  }
  return out;
}

}  // namespace telora
