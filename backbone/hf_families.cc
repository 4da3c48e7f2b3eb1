#include "backbone/hf_families.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "backbone/hf_fields.h"
#include "backbone/hf_rope.h"

namespace telora {

namespace {

void read_silu(Fields& fields) {
  if (given(fields, "hidden_act")) fields.string("hidden_act", {"silu"});
}

void read_attention_bias(Fields& fields, DecoderSpec& spec) {
  spec.attention_bias = spec.output_bias = flag(fields, "attention_bias");
}

// Layer types, where they are listed: true for a local layer.
std::vector<bool> listed_types(Fields& fields, const DecoderSpec& spec) {
  std::vector<bool> local;
  for (const std::string& type : fields.strings("layer_types")) {
    // "attention" is what Granite 4 calls full attention.
    if (type != "full_attention" && type != "sliding_attention" && type != "attention") {
      fields.fail("layer_types", printable(type, 60), "full_attention or sliding_attention",
                  "other types of layers are not implemented");
    }
    local.push_back(type == "sliding_attention");
  }
  if (static_cast<int64_t>(local.size()) != spec.layers) {
    fields.fail("layer_types", fmt::format("{} entries", local.size()),
                fmt::format("num_hidden_layers = {}", spec.layers));
  }
  return local;
}

// "LLLG", or a number p: every p-th layer is full.
std::vector<bool> patterned_types(Fields& fields, const DecoderSpec& spec) {
  std::string pattern;
  if (fields.raw("sliding_window_pattern").is_string()) {
    pattern = fields.string("sliding_window_pattern");
    if (pattern.empty() || pattern.find_first_not_of("LG") != std::string::npos) {
      fields.fail("sliding_window_pattern", printable(pattern, 60), "letters L and G, or a number");
    }
  } else {
    const int64_t period = fields.integer("sliding_window_pattern", {.min = 1, .max = kMaxLayers});
    pattern = std::string(static_cast<size_t>(period - 1), 'L') + 'G';
  }
  std::vector<bool> local;
  for (int64_t i = 0; i < spec.layers; ++i) {
    local.push_back(pattern[static_cast<size_t>(i) % pattern.size()] == 'L');
  }
  return local;
}

void read_windows(Fields& fields, DecoderSpec& spec) {
  fields.ignore("sliding_window_pattern");
  spec.local_layers =
      given(fields, "layer_types") ? listed_types(fields, spec) : patterned_types(fields, spec);
  if (std::ranges::none_of(spec.local_layers, [](bool local) { return local; })) {
    spec.local_layers.clear();
    fields.ignore("sliding_window");
    return;
  }
  spec.sliding_window = fields.integer("sliding_window", {.min = 1, .max = kMaxPositions});
}

// No layer may be local.
void require_full(Fields& fields, const DecoderSpec& spec) {
  if (!given(fields, "layer_types")) return;
  if (std::ranges::none_of(listed_types(fields, spec), [](bool local) { return local; })) return;
  fields.fail("layer_types", "sliding_attention", "full_attention in every layer",
              "other layer types are not implemented for this family");
}

// The window counts only if use_sliding_window says so, and then it is refused.
void read_qwen(Fields& fields, DecoderSpec& spec) {
  read_silu(fields);
  read_rope(fields, spec);
  if (flag(fields, "use_sliding_window")) {
    fields.fail("use_sliding_window", "true", "false", "only full attention is implemented");
  }
  fields.ignore("sliding_window");
  require_full(fields, spec);
}

void read_llama(Fields& fields, DecoderSpec& spec) {
  read_silu(fields);
  read_rope(fields, spec);
  read_attention_bias(fields, spec);
  spec.mlp_bias = flag(fields, "mlp_bias");
  require_full(fields, spec);
}

void read_qwen2(Fields& fields, DecoderSpec& spec) {
  read_qwen(fields, spec);
  spec.attention_bias = true;  // of the class; there is no key
}

void read_qwen3(Fields& fields, DecoderSpec& spec) {
  read_qwen(fields, spec);
  read_attention_bias(fields, spec);
  spec.query_key_norm = QueryKeyNorm::kHead;
}

// Hybrid models (with a window) rotate in their local layers only.
void read_exaone4(Fields& fields, DecoderSpec& spec) {
  read_silu(fields);
  read_rope(fields, spec);
  spec.norm_placement = NormPlacement::kAfter;
  spec.query_key_norm = QueryKeyNorm::kHead;
  fields.ignore("sliding_window_pattern");
  if (!given(fields, "sliding_window")) return require_full(fields, spec);
  read_windows(fields, spec);
  spec.rope_in_full_layers = false;
}

void read_multipliers(Fields& fields, DecoderSpec& spec) {
  const Range<double> positive{.min = 0, .max = 1e6, .min_excluded = true};
  spec.embedding_scale = fields.number("embedding_multiplier", positive);
  spec.residual_scale = fields.number("residual_multiplier", positive);
  spec.attention_scale = fields.number("attention_multiplier", positive);
  spec.logit_scale = fields.number("logits_scaling", positive);
}

void read_granite(Fields& fields, DecoderSpec& spec) {
  read_llama(fields, spec);
  read_multipliers(fields, spec);
}

// The hybrid class of Granite 4, only where every layer is attention and there are no experts.
void read_granite_hybrid(Fields& fields, DecoderSpec& spec) {
  read_silu(fields);
  read_rope(fields, spec);
  read_attention_bias(fields, spec);
  read_multipliers(fields, spec);
  fields.string("position_embedding_type", {"rope"});
  for (const char* key : {"num_local_experts", "num_experts_per_tok"}) {
    fields.integer(key, {.min = 0, .max = 0});
  }
  if (!given(fields, "layer_types")) {
    fields.fail("layer_types", "none", "attention in every layer",
                "without it every layer is a Mamba layer, which is not implemented");
  }
  require_full(fields, spec);
  spec.intermediate =
      fields.integer("shared_intermediate_size", {.min = 1, .max = kMaxIntermediate});
  spec.fused_mlp = true;
  for (const std::string& key : fields.keys()) {
    if (key.starts_with("mamba_")) fields.ignore(key);
  }
  for (const char* key : {"output_router_logits", "router_aux_loss_coef", "time_step_limit"}) {
    fields.ignore(key);
  }
}

void read_olmo2(Fields& fields, DecoderSpec& spec) {
  read_silu(fields);
  read_rope(fields, spec);
  read_attention_bias(fields, spec);
  spec.norm_placement = NormPlacement::kAfter;
  spec.query_key_norm = QueryKeyNorm::kProjection;
  require_full(fields, spec);
}

void read_gemma3(Fields& fields, DecoderSpec& spec) {
  for (const char* key : {"hidden_activation", "hidden_act"}) {
    if (given(fields, key)) fields.string(key, {"gelu_pytorch_tanh"});
  }
  for (const char* key : {"attn_logit_softcapping", "final_logit_softcapping"}) {
    if (given(fields, key)) fields.fail(key, "a number", "null", "soft caps are not implemented");
  }
  if (flag(fields, "use_bidirectional_attention")) {
    fields.fail("use_bidirectional_attention", "true", "false",
                "only causal models are implemented");
  }
  read_rope_by_layer_type(fields, spec);
  read_attention_bias(fields, spec);
  read_windows(fields, spec);
  spec.attention_scale =
      1 / std::sqrt(fields.number("query_pre_attn_scalar", {.min = 1, .max = 1e6}));
  spec.embedding_scale = std::sqrt(static_cast<double>(spec.hidden));
  spec.norm_placement = NormPlacement::kBoth;
  spec.norm_offset = true;
  spec.query_key_norm = QueryKeyNorm::kHead;
  spec.activation = Activation::kGeluTanh;
  fields.ignore("cache_implementation");
  fields.ignore("_sliding_window_pattern");  // transformers 5 saves it beside layer_types
}

constexpr HfFamily kFamilies[] = {
    {"llama", "LlamaForCausalLM", "llama", false, read_llama},
    {"qwen2", "Qwen2ForCausalLM", "qwen2", false, read_qwen2},
    {"qwen3", "Qwen3ForCausalLM", "qwen3", true, read_qwen3},
    {"exaone4", "Exaone4ForCausalLM", "exaone4", false, read_exaone4},
    {"granite", "GraniteForCausalLM", "granite", false, read_granite},
    {"granitemoehybrid", "GraniteMoeHybridForCausalLM", "granitemoehybrid", false,
     read_granite_hybrid},
    {"olmo2", "Olmo2ForCausalLM", "olmo2", false, read_olmo2},
    {"gemma3_text", "Gemma3ForCausalLM", "gemma3", true, read_gemma3},
};

}  // namespace

const HfFamily* find_hf_family(std::string_view model_type) {
  const auto* found = std::ranges::find(kFamilies, model_type, &HfFamily::model_type);
  return found == std::end(kFamilies) ? nullptr : found;
}

const HfFamily* hf_family_of(std::string_view architecture) {
  const auto* found = std::ranges::find(kFamilies, architecture, &HfFamily::name);
  return found == std::end(kFamilies) ? nullptr : found;
}

std::string hf_family_names() {
  std::string names;
  for (const HfFamily& family : kFamilies) {
    names += (names.empty() ? "" : ", ") + std::string(family.model_type);
  }
  return names;
}

}  // namespace telora
