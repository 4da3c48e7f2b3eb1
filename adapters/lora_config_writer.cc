// adapter_config.json, written.
#include <cmath>
#include <nlohmann/json.hpp>

#include "adapters/lora_config.h"

namespace telora {

namespace {

using Json = nlohmann::ordered_json;

// Version whose key set is written; PEFT's readers use the field to tell what a missing key means.
constexpr const char* kLayoutVersion = "0.21.2";

// PEFT writes whole numbers without a fraction.
Json number_json(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e15) return static_cast<int64_t>(value);
  return value;
}

template <typename T>
Json list_json(const std::vector<T>& values) {
  return values.empty() ? Json() : Json(values);
}

Json modules_json(const std::vector<std::string>& names, const std::string& regex) {
  return regex.empty() ? list_json(names) : Json(regex);
}

// Entries stay in their order, for the first that matches counts.
template <typename T>
Json patterns_json(const std::vector<std::pair<std::string, T>>& patterns) {
  Json object = Json::object();
  for (const auto& [key, value] : patterns) object[key] = number_json(static_cast<double>(value));
  return object;
}

Json init_json(const std::string& init) {
  if (init.empty() || init == "false") return init.empty();
  return init;
}

}  // namespace

std::string lora_config_json(const LoraConfig& config) {
  const Json json = {
      {"alora_invocation_tokens", nullptr},
      {"alpha_pattern", patterns_json(config.alpha_pattern)},
      {"arrow_config", nullptr},
      {"auto_mapping", nullptr},
      {"base_model_name_or_path", config.base_model.empty() ? Json() : Json(config.base_model)},
      {"bias", "none"},
      {"corda_config", nullptr},
      {"ensure_weight_tying", false},
      {"eva_config", nullptr},
      {"exclude_modules", modules_json(config.exclude_modules, config.exclude_regex)},
      {"fan_in_fan_out", false},
      {"inference_mode", true},
      {"init_lora_weights", init_json(config.init)},
      {"kasa_config", nullptr},
      {"layer_replication", nullptr},
      {"layers_pattern", list_json(config.layers_pattern)},
      {"layers_to_transform", list_json(config.layers)},
      {"loftq_config", Json::object()},
      {"lora_alpha", number_json(config.alpha)},
      {"lora_bias", false},
      {"lora_dropout", config.dropout},
      {"lora_ga_config", nullptr},
      {"megatron_config", nullptr},
      {"megatron_core", "megatron.core"},
      {"modules_to_save", nullptr},
      {"monteclora_config", nullptr},
      {"peft_type", "LORA"},
      {"peft_version", kLayoutVersion},
      {"qalora_group_size", 16},
      {"r", config.rank},
      {"rank_pattern", patterns_json(config.rank_pattern)},
      {"revision", nullptr},
      {"target_modules", modules_json(config.target_modules, config.target_regex)},
      {"target_parameters", nullptr},
      {"task_type", "CAUSAL_LM"},
      {"trainable_token_indices", nullptr},
      {"use_bdlora", nullptr},
      {"use_dora", config.use_dora},
      {"use_qalora", false},
      {"use_rslora", config.use_rslora},
      {"velora_config", nullptr},
  };
  return json.dump(2, ' ', true);  // escapes what is not ASCII, as PEFT's writer does
}

}  // namespace telora
