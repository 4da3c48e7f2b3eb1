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
  std::vector<BlockLinear> linears = {
      {"self_attn.q_proj", spec.hidden, query, spec.attention_bias},
      {"self_attn.k_proj", spec.hidden, key, spec.attention_bias},
      {"self_attn.v_proj", spec.hidden, key, spec.attention_bias},
      {"self_attn.o_proj", query, spec.hidden, spec.output_bias},
  };
  if (spec.fused_mlp) {
    linears.push_back({"shared_mlp.input_linear", spec.hidden, 2 * spec.intermediate, false});
    linears.push_back({"shared_mlp.output_linear", spec.intermediate, spec.hidden, false});
    return linears;
  }
  linears.push_back({"mlp.gate_proj", spec.hidden, spec.intermediate, spec.mlp_bias});
  linears.push_back({"mlp.up_proj", spec.hidden, spec.intermediate, spec.mlp_bias});
  linears.push_back({"mlp.down_proj", spec.intermediate, spec.hidden, spec.mlp_bias});
  return linears;
}

// Lengths of the q and k norms; none without them.
std::vector<ParameterShape> query_key_norms(const DecoderSpec& spec, const std::string& prefix) {
  if (spec.query_key_norm == QueryKeyNorm::kNone) return {};
  const bool whole = spec.query_key_norm == QueryKeyNorm::kProjection;
  const int64_t query = whole ? spec.heads : 1, key = whole ? spec.kv_heads : 1;
  return {{prefix + "self_attn.q_norm.weight", {query * spec.head_dim}},
          {prefix + "self_attn.k_norm.weight", {key * spec.head_dim}}};
}

void append_block(const DecoderSpec& spec, int64_t layer, std::vector<ParameterShape>& out) {
  const std::string prefix = fmt::format("model.layers.{}.", layer);
  const auto add_norm = [&](const char* name) {
    out.push_back({prefix + name + ".weight", {spec.hidden}});
  };
  if (spec.norm_placement != NormPlacement::kAfter) add_norm("input_layernorm");
  for (const BlockLinear& linear : block_linears(spec)) {
    out.push_back({prefix + linear.name + ".weight", {linear.out, linear.in}});
    if (linear.bias) out.push_back({prefix + linear.name + ".bias", {linear.out}});
  }
  for (ParameterShape& norm : query_key_norms(spec, prefix)) out.push_back(std::move(norm));
  add_norm("post_attention_layernorm");
  if (spec.norm_placement == NormPlacement::kBoth) add_norm("pre_feedforward_layernorm");
  if (spec.norm_placement != NormPlacement::kBefore) add_norm("post_feedforward_layernorm");
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

float plain_frequency(double theta, int64_t j, int64_t head_dim) {
  const float exponent = static_cast<float>(2 * j) / static_cast<float>(head_dim);
  return 1.0F / static_cast<float>(std::pow(theta, exponent));
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
    float frequency = plain_frequency(spec.rope_theta, j, spec.head_dim);
    if (spec.rope_scaling) frequency = scaled(frequency, *spec.rope_scaling);
    if (!spec.rope_divisors.empty()) frequency /= spec.rope_divisors.at(j);
    out.push_back(frequency);
  }
  return out;
}

std::vector<float> local_inverse_frequencies(const DecoderSpec& spec) {
  if (spec.local_rope_theta == 0) return inverse_frequencies(spec);
  std::vector<float> out;
  for (int64_t j = 0; j < spec.head_dim / 2; ++j) {
    out.push_back(plain_frequency(spec.local_rope_theta, j, spec.head_dim));
  }
  return out;
}

}  // namespace telora
