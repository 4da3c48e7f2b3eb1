#include "export/hf_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "backbone/hf_families.h"
#include "backbone/spec_hf.h"
#include "core/error.h"
#include "export/gguf_model_metadata.h"

namespace telora {

namespace {

using Json = nlohmann::ordered_json;

// The number that was rounded to float32: 1e-05, not 9.999999747378752e-06.
double short_number(double value) {
  return std::stod(fmt::format("{}", static_cast<float>(value)));
}

bool near(const std::vector<float>& a, const std::vector<float>& b) {
  return std::ranges::equal(a, b, [](float x, float y) { return std::abs(x - y) < 1e-5F * y; });
}

std::optional<RopeScaling> scaling_of(const DecoderSpec& spec) {
  if (spec.rope_scaling || spec.rope_divisors.empty()) return spec.rope_scaling;
  RopeScaling scaling{.factor = std::ranges::max(spec.rope_divisors), .low = 1, .high = 4};
  for (int power = 5; power <= 20; ++power) {
    scaling.original = std::ldexp(1, power);
    DecoderSpec scaled = spec;
    scaled.rope_divisors.clear();
    scaled.rope_scaling = scaling;
    if (near(gguf_rope_divisors(scaled), spec.rope_divisors)) return scaling;
  }
  fail(ErrorKind::kConfig, {"config.json", "rope_scaling"}, "divisors of an unknown rule",
       "Llama 3's scaling with frequency factors 1 and 4",
       "write merged-gguf, which keeps the divisors");
}

Json layer_types(const DecoderSpec& spec) {
  Json types = Json::array();
  for (int64_t i = 0; i < spec.layers; ++i) {
    const bool local = !spec.local_layers.empty() && spec.local_layers[static_cast<size_t>(i)];
    types.push_back(local ? "sliding_attention" : "full_attention");
  }
  return types;
}

class Writer {
 public:
  explicit Writer(const DecoderSpec& spec) : spec_(spec) {}

  Json run() {
    const HfFamily* family = hf_family_of(spec_.architecture);
    if (family == nullptr) {
      fail(ErrorKind::kConfig, {"config.json", "model_type"}, spec_.architecture,
           "one of " + hf_family_names());
    }
    config_ = {{"architectures", {family->architecture}}, {"model_type", family->model_type}};
    add_sizes();
    add_rope();
    if (spec_.architecture == "gemma3") {
      add_gemma3();
    } else {
      config_["hidden_act"] = "silu";
      const bool has_key = spec_.architecture != "qwen2" && spec_.architecture != "exaone4";
      if (has_key) config_["attention_bias"] = spec_.attention_bias;
    }
    if (spec_.architecture == "llama" || spec_.architecture == "granite") {
      config_["mlp_bias"] = spec_.mlp_bias;
    }
    if (spec_.architecture == "granite") add_multipliers();
    if (spec_.architecture == "exaone4") add_windows();
    return config_;
  }

 private:
  void add_sizes() {
    config_["hidden_size"] = spec_.hidden;
    config_["num_hidden_layers"] = spec_.layers;
    config_["num_attention_heads"] = spec_.heads;
    config_["num_key_value_heads"] = spec_.kv_heads;
    config_["head_dim"] = spec_.head_dim;
    config_["intermediate_size"] = spec_.intermediate;
    config_["vocab_size"] = spec_.vocab;
    config_["max_position_embeddings"] = spec_.max_positions;
    config_["rms_norm_eps"] = short_number(spec_.rms_eps);
    config_["tie_word_embeddings"] = spec_.tied_head;
  }

  void add_rope() {
    config_["rope_theta"] = short_number(spec_.rope_theta);
    const std::optional<RopeScaling> scaling = scaling_of(spec_);
    if (!scaling) return;
    config_["rope_scaling"] = {
        {"rope_type", "llama3"},
        {"factor", scaling->factor},
        {"low_freq_factor", scaling->low},
        {"high_freq_factor", scaling->high},
        {"original_max_position_embeddings", static_cast<int64_t>(scaling->original)}};
  }

  void add_multipliers() {
    config_["embedding_multiplier"] = short_number(spec_.embedding_scale);
    config_["residual_multiplier"] = short_number(spec_.residual_scale);
    config_["attention_multiplier"] = short_number(spec_.attention_scale);
    config_["logits_scaling"] = short_number(spec_.logit_scale);
  }

  void add_windows() {
    if (spec_.local_layers.empty()) {
      config_["sliding_window"] = nullptr;
    } else {
      config_["sliding_window"] = spec_.sliding_window;
    }
    config_["layer_types"] = layer_types(spec_);
  }

  void add_gemma3() {
    config_["hidden_activation"] = "gelu_pytorch_tanh";
    config_["attention_bias"] = spec_.attention_bias;
    config_["query_pre_attn_scalar"] =
        std::llround(1 / (spec_.attention_scale * spec_.attention_scale));
    config_["rope_local_base_freq"] = short_number(spec_.local_rope_theta);
    add_windows();
  }

  const DecoderSpec& spec_;
  Json config_;
};

// What both forms of a model can say.
DecoderSpec comparable(DecoderSpec spec) {
  spec.rope_divisors.clear();
  spec.rope_scaling.reset();
  for (double* value :
       {&spec.rms_eps, &spec.rope_theta, &spec.local_rope_theta, &spec.attention_scale,
        &spec.embedding_scale, &spec.residual_scale, &spec.logit_scale}) {
    *value = static_cast<float>(*value);
  }
  return spec;
}

}  // namespace

Json hf_config(const DecoderSpec& spec) { return Writer(spec).run(); }

void require_config_of(const std::filesystem::path& folder, const DecoderSpec& spec) {
  const DecoderSpec found = read_hf_spec(folder);
  if (comparable(found) == comparable(spec)) return;
  fail(ErrorKind::kConfig, {(folder / "config.json").string(), spec.architecture},
       "another model than the base", "one that this configuration can describe",
       "write merged-gguf");
}

}  // namespace telora
