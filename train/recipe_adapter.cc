#include "train/recipe_adapter.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "adapters/module_pattern.h"
#include "core/error.h"

namespace telora {

namespace {

[[noreturn]] void refuse(const std::string& field, const std::string& found,
                         const std::string& want, const std::string& advice = {}) {
  fail(ErrorKind::kConfig, {"recipe", field}, found, want, advice);
}

bool is_pattern(const Recipe& recipe) {
  return recipe.target_modules.size() == 1 && !is_plain_pattern(recipe.target_modules[0]);
}

void check_target(const std::string& target, const std::vector<ModuleShape>& layers) {
  LoraConfig config;
  config.target_modules = {target};
  for (const ModuleShape& layer : layers) {
    if (is_target(config, layer.name)) return;
  }
  refuse("target_modules", fmt::format("\"{}\", which no layer is called", printable(target)),
         fmt::format("some of {}", fmt::join(last_names(layers), ", ")));
}

// Block numbers first: the selection is made with them.
void check_blocks(const Recipe& recipe, const std::vector<ModuleShape>& layers) {
  LoraConfig config = lora_config(recipe);
  for (const int64_t number : recipe.layers_to_transform) {
    config.layers = {number};
    const auto in_block = [&](const ModuleShape& layer) { return is_target(config, layer.name); };
    if (std::ranges::any_of(layers, in_block)) continue;
    refuse("layers_to_transform", std::to_string(number), "numbers of blocks that have a target");
  }
}

template <typename T>
void check_patterns(const std::vector<std::pair<std::string, T>>& patterns, const char* field,
                    const std::vector<ModuleShape>& adapted) {
  for (const auto& [pattern, value] : patterns) {
    const Where where{"recipe", fmt::format("{}.{}", field, pattern)};
    const auto matches = [&, &pattern = pattern](const ModuleShape& layer) {
      return matches_tail(pattern, layer.name, where);
    };
    if (std::ranges::any_of(adapted, matches)) continue;
    fail(ErrorKind::kConfig, where, "no adapted layer of this name", "the end of one's name");
  }
}

void check_rank(const Recipe& recipe, const LoraConfig& config, const ModuleShape& layer) {
  const int64_t rank = lora_rank(config, layer.name), side = std::min(layer.in, layer.out);
  const bool doubled = takes_parts_of_weights(recipe.init);
  const int64_t limit = doubled ? side / 2 : side;
  if (rank <= limit) return;
  const std::string field = rank_field(config, layer.name);
  refuse(field == "r" ? "rank" : field, std::to_string(rank),
         fmt::format("at most {}, {}the smaller side of {} ({} x {})", limit,
                     doubled ? "half " : "", layer.name, layer.out, layer.in),
         doubled ? fmt::format("an adapter of init {} is saved with twice its rank", recipe.init)
                 : "");
}

void check_combinations(const Recipe& recipe) {
  if (is_pattern(recipe) && !recipe.layers_to_transform.empty()) {
    refuse("layers_to_transform", "numbers beside a pattern in target_modules", "null",
           "say the numbers in the pattern");
  }
  if (!takes_parts_of_weights(recipe.init)) return;
  if (recipe.use_dora) {
    refuse("use_dora", fmt::format("true with init {}", recipe.init), "false",
           "the saved form of such an adapter has no place for magnitudes in PEFT");
  }
  if (recipe.dropout > 0) {
    refuse("dropout", fmt::format("{} with init {}", recipe.dropout, recipe.init), "0",
           "it would drop principal parts of the weights");
  }
}

void check_layers(const Recipe& recipe, const std::vector<ModuleShape>& layers) {
  const LoraConfig config = lora_config(recipe);
  if (!is_pattern(recipe)) {
    for (const std::string& target : recipe.target_modules) check_target(target, layers);
  }
  check_blocks(recipe, layers);
  std::vector<ModuleShape> adapted;
  for (const ModuleShape& layer : layers) {
    if (is_target(config, layer.name)) adapted.push_back(layer);
  }
  if (adapted.empty()) {
    refuse("target_modules",
           fmt::format("\"{}\", which no layer matches", printable(recipe.target_modules[0])),
           "a pattern for whole names such as " + layers.front().name);
  }
  check_patterns(recipe.rank_pattern, "rank_pattern", adapted);
  check_patterns(recipe.alpha_pattern, "alpha_pattern", adapted);
  for (const ModuleShape& layer : adapted) check_rank(recipe, config, layer);
}

}  // namespace

LoraConfig lora_config(const Recipe& recipe) {
  LoraConfig config;
  config.rank = recipe.rank;
  config.alpha = recipe.alpha;
  config.dropout = recipe.dropout;
  config.use_rslora = recipe.use_rslora;
  config.use_dora = recipe.use_dora;
  if (is_pattern(recipe)) {
    config.target_regex = recipe.target_modules[0];
  } else {
    config.target_modules = recipe.target_modules;
  }
  config.layers = recipe.layers_to_transform;
  config.rank_pattern = recipe.rank_pattern;
  config.alpha_pattern = recipe.alpha_pattern;
  config.base_model = recipe.backbone;
  if (recipe.init != "kaiming") config.init = recipe.init;
  return config;
}

LoraStart lora_start(const Recipe& recipe) {
  constexpr std::string_view kNumbered = "pissa_niter_";
  LoraStart start{.init = LoraInit::kKaiming, .seed = static_cast<uint64_t>(recipe.seed)};
  if (recipe.init == "gaussian") start.init = LoraInit::kGaussian;
  if (recipe.init == "olora") start.init = LoraInit::kOlora;
  if (recipe.init.starts_with("pissa")) start.init = LoraInit::kPissa;
  if (recipe.init.starts_with(kNumbered)) {
    start.pissa_iterations = std::stoll(recipe.init.substr(kNumbered.size()));
  }
  return start;
}

std::string adapter_words(const Recipe& recipe) {
  std::string words =
      fmt::format("rank {}, alpha {}, dropout {}", recipe.rank, recipe.alpha, recipe.dropout);
  if (recipe.use_rslora) words += ", rsLoRA";
  if (recipe.use_dora) words += ", DoRA";
  if (recipe.init != "kaiming") words += ", init " + recipe.init;
  if (recipe.loraplus_lr_ratio != 1)
    words += fmt::format(", LoRA+ ratio {}", recipe.loraplus_lr_ratio);
  if (!recipe.rank_pattern.empty()) words += ", rank_pattern";
  if (!recipe.alpha_pattern.empty()) words += ", alpha_pattern";
  if (!recipe.layers_to_transform.empty())
    words += fmt::format(", blocks {}", fmt::join(recipe.layers_to_transform, " "));
  return words;
}

bool takes_parts_of_weights(const std::string& init) {
  return init == "olora" || init.starts_with("pissa");
}

std::vector<std::string> last_names(const std::vector<ModuleShape>& layers) {
  std::vector<std::string> names;
  for (const ModuleShape& layer : layers) {
    const std::string name = layer.name.substr(layer.name.rfind('.') + 1);
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
  return names;
}

void check_adapter(const Recipe& recipe, const std::vector<ModuleShape>& layers) {
  check_combinations(recipe);
  try {
    check_layers(recipe, layers);
  } catch (const Error& error) {
    // Patterns that cannot be decided are bad data in a file; here they are a bad setting.
    throw Error(ErrorKind::kConfig, error.what());
  }
}

}  // namespace telora
