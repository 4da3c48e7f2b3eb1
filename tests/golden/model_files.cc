#include "tests/golden/model_files.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "backbone/gguf_names.h"
#include "core/document.h"
#include "core/files.h"
#include "core/safetensors.h"

namespace telora::golden {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

Json scaling_json(const RopeScaling& scaling) {
  return {{"rope_type", "llama3"},
          {"factor", scaling.factor},
          {"low_freq_factor", scaling.low},
          {"high_freq_factor", scaling.high},
          {"original_max_position_embeddings", static_cast<int64_t>(scaling.original)}};
}

void put_rope(const DecoderSpec& spec, ConfigStyle style, Json& config) {
  Json scaling = spec.rope_scaling ? scaling_json(*spec.rope_scaling) : Json(nullptr);
  if (style == ConfigStyle::kTransformers4) {
    config["rope_theta"] = spec.rope_theta;
    config["rope_scaling"] = scaling;
    config["torch_dtype"] = "float32";
    return;
  }
  if (scaling.is_null()) scaling = {{"rope_type", "default"}};
  scaling["rope_theta"] = spec.rope_theta;
  config["rope_parameters"] = scaling;
  config["dtype"] = "float32";
}

Dtype stored_dtype(const at::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case at::kHalf:
      return Dtype::kF16;
    case at::kBFloat16:
      return Dtype::kBF16;
    case at::kDouble:
      return Dtype::kF64;
    default:
      return Dtype::kF32;
  }
}

std::vector<TensorBytes> tensor_bytes(const Tensors& tensors) {
  std::vector<TensorBytes> out;
  for (const auto& [name, tensor] : tensors) {
    const auto* data = static_cast<const std::byte*>(tensor.const_data_ptr());
    out.push_back({name, stored_dtype(tensor), tensor.sizes().vec(), {data, tensor.nbytes()}});
  }
  return out;
}

// Deals the tensors out like cards, so that every shard has some of each kind.
void write_shards(const fs::path& folder, const Tensors& weights, int shards) {
  std::vector<Tensors> parts(shards);
  Json map = Json::object();
  size_t next = 0;
  size_t total = 0;
  for (const auto& [name, tensor] : weights) {
    const size_t part = next++ % shards;
    parts[part].emplace(name, tensor);
    map[name] = fmt::format("model-{:05}-of-{:05}.safetensors", part + 1, shards);
    total += tensor.nbytes();
  }
  for (int i = 0; i < shards; ++i) {
    write_safetensors(folder / fmt::format("model-{:05}-of-{:05}.safetensors", i + 1, shards),
                      tensor_bytes(parts[i]), {{"format", "pt"}});
  }
  const Json index{{"metadata", {{"total_size", total}}}, {"weight_map", map}};
  publish(folder / "model.safetensors.index.json", to_json(index));
}

// The q or k weight or bias with the pairs (2j, 2j+1) of each head side by side, as GGUF wants
// them.
at::Tensor interleaved(const at::Tensor& weight, int64_t head_dim) {
  const int64_t heads = weight.size(0) / head_dim;
  return weight.reshape({heads, 2, head_dim / 2, -1})
      .transpose(1, 2)
      .reshape(weight.sizes())
      .contiguous();
}

struct FamilyNames {
  const char* architecture;  // of the spec
  const char* model_type;
  const char* model_class;
};

constexpr FamilyNames kFamilies[] = {
    {"llama", "llama", "LlamaForCausalLM"},
    {"qwen2", "qwen2", "Qwen2ForCausalLM"},
    {"qwen3", "qwen3", "Qwen3ForCausalLM"},
    {"exaone4", "exaone4", "Exaone4ForCausalLM"},
    {"granite", "granite", "GraniteForCausalLM"},
    {"granitemoehybrid", "granitemoehybrid", "GraniteMoeHybridForCausalLM"},
    {"olmo2", "olmo2", "Olmo2ForCausalLM"},
    {"gemma3", "gemma3_text", "Gemma3ForCausalLM"}};

void put_names(const DecoderSpec& spec, Json& config) {
  for (const FamilyNames& family : kFamilies) {
    if (spec.architecture != family.architecture) continue;
    config["model_type"] = family.model_type;
    config["architectures"] = {family.model_class};
  }
}

void put_layer_types(const DecoderSpec& spec, Json& config) {
  Json types = Json::array();
  for (const bool local : spec.local_layers) {
    types.push_back(local ? "sliding_attention" : "full_attention");
  }
  config["layer_types"] = types;
  config["sliding_window"] = spec.sliding_window;
}

// What only some families have in their configuration.
void put_own(const DecoderSpec& spec, ConfigStyle style, Json& config) {
  const std::string& name = spec.architecture;
  const bool llama_like = name == "llama" || name == "granite";
  if (!llama_like) config.erase("mlp_bias");
  if (name == "qwen2" || name == "exaone4") config.erase("attention_bias");
  if (name == "granitemoehybrid") {
    config["shared_intermediate_size"] = spec.intermediate;
    config["position_embedding_type"] = "rope";
    config["num_local_experts"] = config["num_experts_per_tok"] = 0;
    config["layer_types"] =
        std::vector<std::string>(static_cast<size_t>(spec.layers), "full_attention");
  }
  if (name.starts_with("granite")) {
    config["embedding_multiplier"] = spec.embedding_scale;
    config["residual_multiplier"] = spec.residual_scale;
    config["attention_multiplier"] = spec.attention_scale;
    config["logits_scaling"] = spec.logit_scale;
  }
  if (name == "gemma3") {
    config.erase("hidden_act");
    config["hidden_activation"] = "gelu_pytorch_tanh";
    config["query_pre_attn_scalar"] =
        std::llround(1 / (spec.attention_scale * spec.attention_scale));
  }
  if (name == "gemma3" && style == ConfigStyle::kTransformers5) {
    config["rope_parameters"] = {
        {"full_attention", {{"rope_type", "default"}, {"rope_theta", spec.rope_theta}}},
        {"sliding_attention", {{"rope_type", "default"}, {"rope_theta", spec.local_rope_theta}}}};
  } else if (name == "gemma3") {
    config["rope_local_base_freq"] = spec.local_rope_theta;
  }
  if (!spec.local_layers.empty()) put_layer_types(spec, config);
}

}  // namespace

std::string config_json(const DecoderSpec& spec, ConfigStyle style) {
  Json config{{"architectures", {"LlamaForCausalLM"}},
              {"attention_bias", spec.attention_bias},
              {"attention_dropout", 0.0},
              {"bos_token_id", 1},
              {"eos_token_id", 2},
              {"head_dim", spec.head_dim},
              {"hidden_act", "silu"},
              {"hidden_size", spec.hidden},
              {"initializer_range", 0.02},
              {"intermediate_size", spec.intermediate},
              {"max_position_embeddings", spec.max_positions},
              {"mlp_bias", spec.mlp_bias},
              {"model_type", "llama"},
              {"num_attention_heads", spec.heads},
              {"num_hidden_layers", spec.layers},
              {"num_key_value_heads", spec.kv_heads},
              {"pad_token_id", nullptr},
              {"pretraining_tp", 1},
              {"rms_norm_eps", spec.rms_eps},
              {"tie_word_embeddings", spec.tied_head},
              {"transformers_version", style == ConfigStyle::kTransformers4 ? "4.46.0" : "5.23.0"},
              {"use_cache", true},
              {"vocab_size", spec.vocab}};
  put_rope(spec, style, config);
  put_names(spec, config);
  put_own(spec, style, config);
  return to_json(config);
}

void write_folder(const fs::path& folder, const DecoderSpec& spec, const Tensors& weights,
                  int shards, ConfigStyle style) {
  create_folders(folder);
  publish(folder / "config.json", config_json(spec, style));
  if (shards > 1) return write_shards(folder, weights, shards);
  write_safetensors(folder / "model.safetensors", tensor_bytes(weights), {{"format", "pt"}});
}

GgufWriter gguf_metadata(const DecoderSpec& spec) {
  GgufWriter writer;
  const std::string prefix = spec.architecture + ".";
  writer.set_string("general.architecture", spec.architecture);
  writer.set_string("general.type", "model");
  writer.set_u32("general.quantization_version", 2);
  writer.set_u32(prefix + "block_count", spec.layers);
  writer.set_u32(prefix + "context_length", spec.max_positions);
  writer.set_u32(prefix + "embedding_length", spec.hidden);
  writer.set_u32(prefix + "feed_forward_length", spec.intermediate);
  writer.set_u32(prefix + "attention.head_count", spec.heads);
  writer.set_u32(prefix + "attention.head_count_kv", spec.kv_heads);
  writer.set_u32(prefix + "attention.key_length", spec.head_dim);
  writer.set_u32(prefix + "attention.value_length", spec.head_dim);
  writer.set_f32(prefix + "attention.layer_norm_rms_epsilon", static_cast<float>(spec.rms_eps));
  writer.set_f32(prefix + "rope.freq_base", static_cast<float>(spec.rope_theta));
  writer.set_u32(prefix + "rope.dimension_count", spec.head_dim);
  writer.set_u32(prefix + "vocab_size", spec.vocab);
  writer.set_string("tokenizer.ggml.model", "no_vocab");
  if (spec.architecture == "granite") {
    writer.set_f32(prefix + "embedding_scale", static_cast<float>(spec.embedding_scale));
    writer.set_f32(prefix + "residual_scale", static_cast<float>(spec.residual_scale));
    writer.set_f32(prefix + "attention.scale", static_cast<float>(spec.attention_scale));
    writer.set_f32(prefix + "logit_scale", static_cast<float>(spec.logit_scale));
  }
  if (spec.sliding_window > 0)
    writer.set_u32(prefix + "attention.sliding_window", spec.sliding_window);
  return writer;
}

void add_gguf_tensor(GgufWriter& writer, const DecoderSpec& spec, const std::string& name,
                     const at::Tensor& weight, GgmlType type) {
  at::Tensor values = weight.to(at::kFloat).contiguous();
  if (has_gguf_row_order(name, spec.architecture)) values = interleaved(values, spec.head_dim);
  if (has_gguf_offset(name, spec)) values = values + 1;
  const int64_t row = values.size(-1);
  if (values.dim() == 1) type = GgmlType::kF32;
  if (row % ggml_type_info(type).block_elements != 0) type = GgmlType::kF16;
  std::vector<uint64_t> dims(values.sizes().rbegin(), values.sizes().rend());
  const std::span<const float> flat(values.const_data_ptr<float>(), values.numel());
  writer.add_tensor(gguf_name(name, spec.norm_placement), dims, type, quantize(type, flat));
}

GgufWriter gguf_of(const DecoderSpec& spec, const Tensors& weights, GgmlType type) {
  GgufWriter writer = gguf_metadata(spec);
  if (spec.rope_scaling) {
    DecoderSpec plain = spec;
    plain.rope_scaling.reset();
    const std::vector<float> unscaled = inverse_frequencies(plain);
    const std::vector<float> scaled = inverse_frequencies(spec);
    std::vector<float> divisors;
    for (size_t j = 0; j < scaled.size(); ++j) divisors.push_back(unscaled[j] / scaled[j]);
    writer.add_tensor("rope_freqs.weight", {divisors.size()}, GgmlType::kF32,
                      quantize(GgmlType::kF32, divisors));
  }
  for (const auto& [name, weight] : weights) add_gguf_tensor(writer, spec, name, weight, type);
  return writer;
}

}  // namespace telora::golden
