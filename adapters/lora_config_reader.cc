// adapter_config.json, read.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "adapters/lora_config.h"
#include "adapters/module_pattern.h"
#include "core/text.h"

namespace telora {

namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kMaxRank = 65536;
constexpr size_t kMaxPatterns = 4096;
constexpr ptrdiff_t kMaxExpressions = 64;  // among them, those that are more than a name

// Options that change what an adapter computes or stores; in plain LoRA they are null, false or
// empty.
struct Variant {
  const char* key;
  const char* meaning;
};
constexpr std::array<Variant, 18> kVariants = {{
    {"alora_invocation_tokens", "activated LoRA switches the adapter on in mid-sequence"},
    {"arrow_config", "Arrow routes tokens between adapters"},
    {"corda_config", "CorDA changes the base weights"},
    {"eva_config", "an EVA adapter is not read"},
    {"fan_in_fan_out", "it is for weights stored input by output"},
    {"kasa_config", "KaSA is another method"},
    {"layer_replication", "it stacks copies of layers"},
    {"loftq_config", "LoftQ changes the base weights"},
    {"lora_bias", "it adds a bias to B"},
    {"lora_ga_config", "LoRA-GA changes the base weights"},
    {"megatron_config", "it splits modules over devices"},
    {"modules_to_save", "it stores whole modules beside the adapter"},
    {"monteclora_config", "MonteCLoRA is another method"},
    {"target_parameters", "it adapts bare parameters instead of linear modules"},
    {"trainable_token_indices", "it stores embedding rows beside the adapter"},
    {"use_bdlora", "block-diagonal LoRA shares A and B out over blocks"},
    {"use_qalora", "QALoRA pools the adapter's input"},
    {"velora_config", "VeLoRA is another method"},
}};

// Keys that say nothing about the adapter's output.
constexpr std::array<const char*, 8> kInformative = {
    "auto_mapping", "ensure_weight_tying", "inference_mode", "megatron_core",
    "peft_version", "qalora_group_size",   "revision",       "runtime_config"};

constexpr std::array<const char*, 17> kRead = {"alpha_pattern",
                                               "base_model_name_or_path",
                                               "bias",
                                               "exclude_modules",
                                               "layers_pattern",
                                               "init_lora_weights",
                                               "lora_alpha",
                                               "layers_to_transform",
                                               "lora_dropout",
                                               "peft_type",
                                               "r",
                                               "rank_pattern",
                                               "target_modules",
                                               "task_type",
                                               "use_dora",
                                               "use_rslora",
                                               "inference_mode"};

bool is_unused(const Json& value) {
  if (value.is_null() || value == false || value == "") return true;
  return value.is_structured() && value.empty();
}

std::string shown(const Json& value) { return printable(to_json(value), 80); }

bool given(const Fields& fields, const std::string& key) {
  return fields.has(key) && !fields.is_null(key);
}

const std::vector<std::string>& known_keys() {
  static const std::vector<std::string> keys = [] {
    std::vector<std::string> all(kRead.begin(), kRead.end());
    all.insert(all.end(), kInformative.begin(), kInformative.end());
    for (const Variant& variant : kVariants) all.emplace_back(variant.key);
    return all;
  }();
  return keys;
}

void refuse_variants(Fields& fields) {
  for (const auto& [key, meaning] : kVariants) {
    if (!fields.has(key) || is_unused(fields.raw(key))) continue;
    fields.fail(key, shown(fields.raw(key)), "null, false or empty", meaning);
  }
}

void refuse_unknown_keys(Fields& fields, const Json& root) {
  const auto& known = known_keys();
  for (const auto& [key, value] : root.items()) {
    if (is_unused(value) || std::find(known.begin(), known.end(), key) != known.end()) continue;
    const std::string near = nearest(key, known);
    fields.fail(key, shown(value), "no such key, or null, false or empty",
                near.empty()
                    ? "an option this program does not know may change what the adapter computes"
                    : fmt::format("did you mean '{}'?", near));
  }
}

// Initialisations that rewrite the base weights leave an adapter that fits no published base.
std::string read_initialisation(Fields& fields) {
  if (!given(fields, "init_lora_weights")) return {};
  if (fields.raw("init_lora_weights").is_boolean()) {
    return fields.boolean("init_lora_weights") ? "" : "false";
  }
  const std::string name = fields.string("init_lora_weights");
  for (const char* harmless : {"gaussian", "orthogonal", "eva", "mica"}) {
    if (name == harmless) return name;
  }
  fields.fail("init_lora_weights", printable(name),
              "true, false, gaussian, orthogonal, eva or mica",
              "other initialisations change the base weights: convert the adapter on saving "
              "(path_initial_model_for_weight_conversion)");
}

void check_method(Fields& fields) {
  fields.string("peft_type", {"LORA"});
  if (given(fields, "task_type")) fields.string("task_type", {"CAUSAL_LM"});
  if (given(fields, "bias")) fields.string("bias", {"none"});
  refuse_variants(fields);
}

struct Modules {
  std::vector<std::string> names;
  std::string regex;
};

Modules read_modules(Fields& fields, const std::string& key) {
  Modules modules;
  if (fields.raw(key).is_string()) {
    modules.regex = fields.string(key);
    check_pattern(modules.regex, fields.where(key));
  } else {
    modules.names = fields.strings(key);
  }
  return modules;
}

// Their adapters have other shapes, and a tied pair of them shares one matrix.
void refuse_token_layer(const Fields& fields, const std::string& name) {
  const std::string last = name.substr(name.rfind('.') + 1);
  if (last != "lm_head" && last != "embed_tokens") return;
  fields.fail("target_modules", printable(name), "linear layers of the blocks",
              "adapters of the embedding or the output head are not read; train without them");
}

void read_targets(Fields& fields, LoraConfig& config) {
  if (!given(fields, "target_modules")) {
    fields.fail("target_modules", fields.has("target_modules") ? "null" : "nothing",
                "a list of module names, or a pattern", "the adapted modules must be said");
  }
  const Modules targets = read_modules(fields, "target_modules");
  if (targets.names.empty() && targets.regex.empty()) {
    fields.fail("target_modules", "an empty value", "at least one module");
  }
  for (const std::string& name : targets.names) refuse_token_layer(fields, name);
  config.target_modules = targets.names;
  config.target_regex = targets.regex;
  if (!given(fields, "exclude_modules")) return;
  const Modules excluded = read_modules(fields, "exclude_modules");
  config.exclude_modules = excluded.names;
  config.exclude_regex = excluded.regex;
}

void read_layers(Fields& fields, LoraConfig& config) {
  const std::string layers = "layers_to_transform", pattern = "layers_pattern";
  if (given(fields, layers)) {
    const Range<int64_t> range{.min = 0};
    config.layers = fields.raw(layers).is_array() ? fields.integers(layers, range)
                                                  : std::vector{fields.integer(layers, range)};
  }
  if (given(fields, pattern)) {
    config.layers_pattern = fields.raw(pattern).is_array() ? fields.strings(pattern)
                                                           : std::vector{fields.string(pattern)};
    std::erase(config.layers_pattern, "");
    if (config.layers_pattern.size() > kMaxExpressions) {
      fields.fail(pattern, fmt::format("{} patterns", config.layers_pattern.size()),
                  fmt::format("at most {}", kMaxExpressions));
    }
    for (const std::string& each : config.layers_pattern)
      check_pattern(each, fields.where(pattern));
  }
  if (!config.target_regex.empty() && !(config.layers.empty() && config.layers_pattern.empty())) {
    fields.fail(config.layers.empty() ? pattern : layers, "a value",
                "null when target_modules is a pattern");
  }
  if (!config.layers_pattern.empty() && config.layers.empty()) {
    fields.fail(pattern, "a value", "null when layers_to_transform is null");
  }
}

template <typename T, typename Read>
std::vector<std::pair<std::string, T>> read_patterns(Fields& fields, const std::string& key,
                                                     Read read) {
  std::vector<std::pair<std::string, T>> patterns;
  if (!given(fields, key)) return patterns;
  Fields entries = fields.object(key);
  const auto names = entries.keys();
  const auto expressions = std::count_if(
      names.begin(), names.end(), [](const std::string& name) { return !is_plain_pattern(name); });
  if (names.size() > kMaxPatterns || expressions > kMaxExpressions) {
    fields.fail(key, fmt::format("{} entries, {} of them expressions", names.size(), expressions),
                fmt::format("at most {} and {}", kMaxPatterns, kMaxExpressions));
  }
  for (const std::string& name : names) {
    check_pattern(name, entries.where(name));
    patterns.emplace_back(name, read(entries, name));
  }
  return patterns;
}

void read_numbers(Fields& fields, LoraConfig& config) {
  const auto rank = [](Fields& from, const std::string& key) {
    return from.integer(key, {.min = 1, .max = kMaxRank});
  };
  const auto alpha = [](Fields& from, const std::string& key) {
    return from.number(key, {.min = 0, .min_excluded = true});
  };
  config.rank = rank(fields, "r");
  config.alpha = alpha(fields, "lora_alpha");
  if (given(fields, "lora_dropout")) {
    config.dropout = fields.number("lora_dropout", {.min = 0, .max = 1, .max_excluded = true});
  }
  if (given(fields, "use_rslora")) config.use_rslora = fields.boolean("use_rslora");
  if (given(fields, "use_dora")) config.use_dora = fields.boolean("use_dora");
  config.rank_pattern = read_patterns<int64_t>(fields, "rank_pattern", rank);
  config.alpha_pattern = read_patterns<double>(fields, "alpha_pattern", alpha);
}

}  // namespace

LoraConfig parse_lora_config(const Document& document) {
  Fields fields(document);
  LoraConfig config;
  check_method(fields);
  config.init = read_initialisation(fields);
  read_numbers(fields, config);
  read_targets(fields, config);
  read_layers(fields, config);
  if (given(fields, "base_model_name_or_path"))
    config.base_model = fields.string("base_model_name_or_path");
  refuse_unknown_keys(fields, document.root());
  return config;
}

}  // namespace telora
