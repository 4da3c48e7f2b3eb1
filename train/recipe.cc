#include "train/recipe.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "core/digest.h"
#include "core/document.h"
#include "core/embedded.h"
#include "core/files.h"
#include "core/text.h"
#include "data/category.h"
#include "train/recipe_adapter.h"
#include "train/recipe_keys.h"

namespace telora {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kDefaults = "configs/recipes/default.yaml";
constexpr const char* kAllLinear = "all-linear";
constexpr int64_t kManyRows = 2000;     // from here on a dropout of 0, as torchtune and unsloth do
constexpr double kSmallDropout = 0.05;  // small sets overfit

constexpr double kRsloraAlpha = 8;  // alpha / sqrt(rank) is then 2 at rank 16, as without it

constexpr size_t kHelpColumn = 40;

// What PEFT calls settings that have another name here.
constexpr std::pair<const char*, const char*> kPeftNames[] = {
    {"r", "rank"},
    {"lora_r", "rank"},
    {"lora_alpha", "alpha"},
    {"lora_dropout", "dropout"},
    {"init_lora_weights", "init, with kaiming for true"}};

void advise_on_peft_names(Fields& fields) {
  for (const auto& [theirs, ours] : kPeftNames) {
    if (fields.has(theirs)) {
      fields.fail(theirs, "PEFT's name", fmt::format("the name {}", ours), "");
    }
  }
}

enum class Keys { kSome, kAll };

void apply(const Document& document, Keys wanted, Recipe& recipe) {
  Fields fields(document);
  advise_on_peft_names(fields);
  for (const RecipeKey& key : recipe_keys()) {
    const std::string name(key.name);
    if (wanted == Keys::kAll || fields.has(name)) {
      read_key(key, fields, recipe);
    } else {
      fields.ignore(name);  // known, so that finish() can suggest it
    }
  }
  fields.finish();
}

// One key and value from the command line; `origin` is what the message calls the file.
void apply_value(const std::string& name, const Json& value, const std::string& origin,
                 Recipe& recipe) {
  const std::string text = to_json(Json{{name, value}});
  apply(Document::parse_json(text, origin, 0, ErrorKind::kConfig), Keys::kSome, recipe);
}

void check_utf8(const std::string& text, const std::string& origin) {
  if (find_invalid_utf8(text) == std::string::npos) return;
  fail(ErrorKind::kUsage, {.file = origin, .field = {}}, printable(text), "valid UTF-8");
}

// The value as YAML reads a scalar or a [list] in one line.
Json yaml_value(const std::string& text, const std::string& origin) {
  const Document document = Document::parse_yaml("value: " + text, origin);
  if (document.root().size() != 1) {
    fail(ErrorKind::kUsage, {.file = origin, .field = {}}, printable(text), "one value");
  }
  return document.root().at("value");
}

void apply_setting(const std::string& setting, Recipe& recipe) {
  check_utf8(setting, "--set");
  const size_t equals = setting.find('=');
  if (equals == std::string::npos || equals == 0) {
    fail(ErrorKind::kUsage, {.file = "--set", .field = {}}, fmt::format("\"{}\"", setting),
         "key=value", "for example --set learning_rate=3e-4");
  }
  const std::string name = setting.substr(0, equals);
  apply_value(name, yaml_value(setting.substr(equals + 1), "--set " + name), "--set", recipe);
}

// A flag of a text setting is taken as it stands: a path may look like anything.
void apply_flag(const std::string& name, const std::string& text, Recipe& recipe) {
  std::string flag = "--" + name;
  std::ranges::replace(flag, '_', '-');
  check_utf8(text, flag);
  const RecipeKey* key = find_recipe_key(name);
  const bool verbatim = key && (std::holds_alternative<TextKey>(key->kind) ||
                                std::holds_alternative<CategoryKey>(key->kind));
  apply_value(name, verbatim ? Json(text) : yaml_value(text, flag), flag, recipe);
}

void fill_from_category(Recipe& recipe) {
  if (recipe.category.empty()) {
    std::string names;
    for (const Category& c : categories()) names += (names.empty() ? "" : ", ") + c.name;
    fail(ErrorKind::kUsage, {.file = "--category", .field = {}}, "nothing", "one of " + names);
  }
  const Category& category = find_category(recipe.category);
  if (recipe.epochs == kAuto) recipe.epochs = category.max_epochs;
  if (recipe.max_length == kAuto) recipe.max_length = category.max_length;
  if (recipe.max_new_tokens == kAuto) recipe.max_new_tokens = category.max_new_tokens;
}

// A text that YAML reads back as the same text needs no quotes.
std::string yaml_text(const std::string& value) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-";
  static const std::set<std::string, std::less<>> kWords = {
      "true", "True", "TRUE", "false", "False", "FALSE", "null", "Null", "NULL"};
  const bool letter_first = !value.empty() && std::isalpha(static_cast<unsigned char>(value[0]));
  const bool plain = letter_first && value.find_first_not_of(kPlain) == std::string::npos &&
                     !kWords.contains(value);
  return plain ? value : Json(value).dump();
}

std::string yaml_text(const Json& value) {
  if (value.is_string()) return yaml_text(value.get_ref<const std::string&>());
  if (value.is_number_float()) return fmt::format("{}", value.get<double>());
  if (!value.is_structured()) return value.dump();
  std::vector<std::string> parts;
  for (const auto& [key, part] : value.items()) {
    parts.push_back(value.is_array() ? yaml_text(part)
                                     : fmt::format("{}: {}", yaml_text(key), yaml_text(part)));
  }
  const std::string text = fmt::format("{}", fmt::join(parts, ", "));
  return value.is_array() ? "[" + text + "]" : "{" + text + "}";
}

}  // namespace

Recipe read_recipe(const std::string& yaml, const std::string& file) {
  Recipe recipe;
  apply(Document::parse_yaml(yaml, file), Keys::kAll, recipe);
  return recipe;
}

Recipe default_recipe() { return read_recipe(std::string(embedded_file(kDefaults)), kDefaults); }

Recipe load_recipe(const RecipeSources& sources) {
  Recipe recipe = default_recipe();
  if (!sources.config.empty()) {
    const std::string text = read_text(sources.config, 1 << 20);
    apply(Document::parse_yaml(text, sources.config), Keys::kSome, recipe);
  }
  for (const std::string& setting : sources.settings) apply_setting(setting, recipe);
  for (const auto& [name, value] : sources.flags) apply_flag(name, value, recipe);
  fill_from_category(recipe);
  return recipe;
}

Recipe resolve_recipe(Recipe recipe, int64_t training_rows,
                      const std::vector<ModuleShape>& layers) {
  if (recipe.alpha == kAuto) {
    recipe.alpha = recipe.use_rslora ? kRsloraAlpha : 2 * static_cast<double>(recipe.rank);
  }
  if (recipe.dropout == kAuto) {
    const bool none = training_rows >= kManyRows || takes_parts_of_weights(recipe.init);
    recipe.dropout = none ? 0 : kSmallDropout;
  }
  if (recipe.target_modules == std::vector<std::string>{kAllLinear}) {
    recipe.target_modules = last_names(layers);
  }
  // Reading it back checks every range again, whoever filled the struct.
  recipe = read_recipe(to_yaml(recipe), "recipe");
  check_adapter(recipe, layers);
  return recipe;
}

std::string to_yaml(const Recipe& recipe) {
  std::string out;
  for (const RecipeKey& key : recipe_keys()) {
    out += fmt::format("{}: {}\n", key.name, yaml_text(write_key(key, recipe)));
  }
  return out;
}

std::string recipe_digest(const Recipe& recipe) { return sha256(to_yaml(recipe)); }

std::string recipe_help() {
  const Recipe defaults = default_recipe();
  std::string out = "Settings of --config files and --set, with their defaults:\n";
  for (const RecipeKey& key : recipe_keys()) {
    const Json value = write_key(key, defaults);
    std::string line = fmt::format("  {}: {}", key.name, yaml_text(value));
    if (line.size() > kHelpColumn) line += "\n";
    const size_t indent = line.back() == '\n' ? 0 : line.size();
    out += fmt::format("{}{:{}}{} ({})\n", line, "", kHelpColumn + 2 - indent, key.doc,
                       allowed_values(key));
  }
  return out;
}

}  // namespace telora
