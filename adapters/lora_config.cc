#include "adapters/lora_config.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>

#include "adapters/module_pattern.h"

namespace telora {

namespace {

Where in_config(std::string field) { return {"adapter_config.json", std::move(field)}; }

bool ends_with_name(std::string_view module, std::string_view name) {
  if (!module.ends_with(name)) return false;
  return module.size() == name.size() || module[module.size() - name.size() - 1] == '.';
}

bool listed(const std::vector<std::string>& names, std::string_view module) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return ends_with_name(module, name); });
}

bool is_all_linear(std::string_view pattern) {
  constexpr std::string_view kAllLinear = "all-linear";
  return std::equal(pattern.begin(), pattern.end(), kAllLinear.begin(), kAllLinear.end(),
                    [](char p, char c) { return p == c || p - 'A' + 'a' == c; });
}

bool is_number(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// The number between two dots of `module` that `accepts(what stands before it)`, first from the
// left.
template <typename Accepts>
std::optional<int64_t> layer_number(std::string_view module, Accepts accepts) {
  for (size_t dot = module.find('.'); dot != module.npos;) {
    const size_t next = module.find('.', dot + 1);
    if (next == module.npos) return std::nullopt;
    const std::string_view segment = module.substr(dot + 1, next - dot - 1);
    if (is_number(segment) && accepts(module.substr(0, dot))) {
      int64_t number = -1;
      std::from_chars(segment.data(), segment.data() + segment.size(), number);
      return number;
    }
    dot = next;
  }
  return std::nullopt;
}

std::optional<int64_t> layer_of(const LoraConfig& config, std::string_view module) {
  if (config.layers_pattern.empty()) {
    return layer_number(module,
                        [](std::string_view before) { return before.find('.') != before.npos; });
  }
  for (const std::string& pattern : config.layers_pattern) {
    const auto number = layer_number(module, [&](std::string_view before) {
      return matches_tail(pattern, before, in_config("layers_pattern"));
    });
    if (number) return number;
  }
  return std::nullopt;
}

bool in_chosen_layer(const LoraConfig& config, std::string_view module) {
  if (config.layers.empty()) return true;
  const auto layer = layer_of(config, module);
  return layer &&
         std::find(config.layers.begin(), config.layers.end(), *layer) != config.layers.end();
}

bool is_excluded(const LoraConfig& config, const std::string& module) {
  if (!config.exclude_regex.empty()) {
    return matches_whole(config.exclude_regex, module, in_config("exclude_modules"));
  }
  return listed(config.exclude_modules, module);
}

template <typename T>
const std::pair<std::string, T>* first_match(const std::vector<std::pair<std::string, T>>& patterns,
                                             const std::string& module, const char* field) {
  for (const auto& entry : patterns) {
    if (matches_tail(entry.first, module, in_config(field + ("." + entry.first)))) return &entry;
  }
  return nullptr;
}

}  // namespace

bool is_target(const LoraConfig& config, const std::string& module) {
  if (is_excluded(config, module)) return false;
  if (is_all_linear(config.target_regex)) return !ends_with_name(module, "lm_head");
  if (!config.target_regex.empty()) {
    return matches_whole(config.target_regex, module, in_config("target_modules"));
  }
  const auto& names = config.target_modules;
  // A module listed by its full name is adapted whatever its layer.
  if (std::find(names.begin(), names.end(), module) != names.end()) return true;
  return listed(names, module) && in_chosen_layer(config, module);
}

int64_t lora_rank(const LoraConfig& config, const std::string& module) {
  const auto* match = first_match(config.rank_pattern, module, "rank_pattern");
  return match ? match->second : config.rank;
}

LoraConfig doubled(LoraConfig config) {
  const double factor = config.use_rslora ? std::sqrt(2.0) : 2.0;
  config.rank *= 2;
  config.alpha *= factor;
  for (auto& [pattern, rank] : config.rank_pattern) rank *= 2;
  for (auto& [pattern, alpha] : config.alpha_pattern) alpha *= factor;
  config.init.clear();
  return config;
}

std::string rank_field(const LoraConfig& config, const std::string& module) {
  const auto* match = first_match(config.rank_pattern, module, "rank_pattern");
  return match ? "rank_pattern." + match->first : "r";
}

double lora_scale(const LoraConfig& config, const std::string& module) {
  const auto* match = first_match(config.alpha_pattern, module, "alpha_pattern");
  const double alpha = match ? match->second : config.alpha;
  const auto rank = static_cast<double>(lora_rank(config, module));
  return alpha / (config.use_rslora ? std::sqrt(rank) : rank);
}

}  // namespace telora
