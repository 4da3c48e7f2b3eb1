#include "train/recipe_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "adapters/module_pattern.h"
#include "backbone/decoder_spec.h"
#include "data/category.h"

namespace telora {

namespace {

using Json = nlohmann::ordered_json;
using R = Recipe;

constexpr int64_t kMaxSeed = 4294967295;  // what NumPy's and Python's generators both take

constexpr int64_t kMaxRank = 4096;
constexpr double kMaxAlpha = 65536;

constexpr RecipeKey kKeys[] = {
    {"category", CategoryKey{}, "benchmark category to train for"},
    {"backbone", TextKey{&R::backbone}, "name, model folder or .gguf file"},
    {"chat_template", TextKey{&R::chat_template, {}, true},
     "format of prompts, where the model's own template is unknown"},
    {"data", TextKey{&R::data, {}, true}, "folder of the benchmark's files, or `sample`"},
    {"split_method", TextKey{&R::split_method, "group|sk|py|hf"}, "who draws the 60/20/20 split"},
    {"split_seed", IntegerKey{&R::split_seed, {0, kMaxSeed}}, "seed of the split"},
    {"hold_out_lite", FlagKey{&R::hold_out_lite},
     "keep the published small file's rows out of training"},
    {"lite", TextKey{&R::lite, {}, true},
     "folder with the small files, where it is not known how they were drawn"},
    {"allow_leaks", FlagKey{&R::allow_leaks},
     "train although a training row is in the test part too"},
    {"seed", IntegerKey{&R::seed, {0, kMaxSeed}}, "seed of everything else"},
    {"rank", IntegerKey{&R::rank, {1, kMaxRank}}, "rank of the adapter"},
    {"alpha", NumberKey{&R::alpha, {0, kMaxAlpha, true}, true},
     "the delta is scaled by alpha / rank"},
    {"use_rslora", FlagKey{&R::use_rslora}, "rsLoRA: scaled by alpha / sqrt(rank)"},
    {"use_dora", FlagKey{&R::use_dora}, "DoRA: a trained magnitude for each output row"},
    {"target_modules", TargetsKey{&R::target_modules}, "adapted layers"},
    {"layers_to_transform", LayersKey{&R::layers_to_transform}, "blocks adapted, from 0 on"},
    {"rank_pattern", PatternsKey<int64_t>{&R::rank_pattern, {1, kMaxRank}},
     "layers of another rank"},
    {"alpha_pattern", PatternsKey<double>{&R::alpha_pattern, {0, kMaxAlpha, true}},
     "layers of another alpha"},
    {"dropout", NumberKey{&R::dropout, {0, 1, false, true}, true}, "on the adapter's input"},
    {"init", TextKey{&R::init, "kaiming|gaussian|pissa|pissa_niter_N|olora"},
     "how A starts, B at zero; or both from the weights"},
    {"learning_rate", NumberKey{&R::learning_rate, {0, 1, true}}, "at the end of the warm-up"},
    {"loraplus_lr_ratio", NumberKey{&R::loraplus_lr_ratio, {1, 1000}},
     "LoRA+: learning rate of B over that of A"},
    {"schedule", TextKey{&R::schedule, "cosine|linear|constant"}, "shape after the warm-up"},
    {"warmup_ratio", NumberKey{&R::warmup_ratio, {0, 1}}, "share of all steps that warm up"},
    {"warmup_min_steps", IntegerKey{&R::warmup_min_steps, {0, 1000000}}, "but at least so many"},
    {"final_lr", NumberKey{&R::final_lr, {0, 1}}, "learning rate at the end"},
    {"weight_decay", NumberKey{&R::weight_decay, {0, 1}}, "decoupled weight decay of AdamW"},
    {"beta1", NumberKey{&R::beta1, {0, 1, false, true}}, "AdamW, mean of gradients"},
    {"beta2", NumberKey{&R::beta2, {0, 1, false, true}}, "AdamW, mean of squared gradients"},
    {"epsilon", NumberKey{&R::epsilon, {0, 1, true}}, "AdamW, added to the denominator"},
    {"clip_norm", NumberKey{&R::clip_norm, {0, 1e6}}, "largest gradient norm; 0 = no clipping"},
    {"batch_size", IntegerKey{&R::batch_size, {1, 65536}}, "rows of one step"},
    {"tokens_per_pass", IntegerKey{&R::tokens_per_pass, {16, 1 << 24}}, "tokens of one pass"},
    {"epochs", IntegerKey{&R::epochs, {1, 100000}, true}, "passes over the rows, at most"},
    {"max_steps", IntegerKey{&R::max_steps, {0, 1000000000}}, "steps, at most; 0 = no limit"},
    {"max_length", IntegerKey{&R::max_length, {16, 1 << 20}, true}, "tokens of one row"},
    {"loss", TextKey{&R::loss, "answer|full"}, "tokens that count: the answer's, or all"},
    {"augment", TextKey{&R::augment, "none|rotate_options"},
     "another order of a question's options each epoch"},
    {"precision", TextKey{&R::precision, "bf16|f32"}, "of frozen weights and activations"},
    {"device", TextKey{&R::device, "cpu|cuda"}, "where it is trained; a run resumes on the same"},
    {"threads", IntegerKey{&R::threads, {0, 1024}}, "CPU threads; 0 = all"},
    {"evaluations_per_epoch", IntegerKey{&R::evaluations_per_epoch, {0, 1000}},
     "evaluations on the validation rows"},
    {"patience", IntegerKey{&R::patience, {0, 1000}}, "evaluations without gain; 0 = never stop"},
    {"min_delta", NumberKey{&R::min_delta, {0, 1000}}, "a gain must exceed this"},
    {"selection_metric",
     TextKey{&R::selection_metric, "selection_accuracy|balanced_accuracy|rotated_accuracy|loss"},
     "what picks the best step"},
    {"checkpoint_every", IntegerKey{&R::checkpoint_every, {1, 1000000}}, "steps in between"},
    {"keep_checkpoints", IntegerKey{&R::keep_checkpoints, {1, 1000}}, "newest ones kept"},
    {"max_new_tokens", IntegerKey{&R::max_new_tokens, {1, 65536}, true}, "of a generated answer"},
};

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(separator, begin), text.size());
    parts.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::vector<std::string> category_names() {
  std::vector<std::string> names;
  for (const Category& category : categories()) {
    names.push_back(category.name);
    names.insert(names.end(), category.aliases.begin(), category.aliases.end());
  }
  return names;
}

// "pissa_niter_16" is a choice of "pissa|pissa_niter_N".
bool is_numbered_choice(std::string_view value, const std::vector<std::string>& choices) {
  return std::ranges::any_of(choices, [&](std::string_view choice) {
    if (!choice.ends_with("_N")) return false;
    choice.remove_suffix(1);
    if (!value.starts_with(choice)) return false;
    const std::string_view number = value.substr(choice.size());
    return !number.empty() && number.size() <= 3 && number[0] != '0' &&
           number.find_first_not_of("0123456789") == number.npos;
  });
}

// One pattern stands alone and holds what no list of names does.
bool is_pattern(std::string_view text) {
  return !std::ranges::all_of(
      text, [](char c) { return c == ',' || is_plain_pattern(std::string_view(&c, 1)); });
}

// `rank: auto` where the key has a rule for it.
bool takes_auto(bool automatic, const std::string& name, Fields& fields) {
  if (!automatic) return false;
  const Json& value = fields.raw(name);
  return value.is_string() && value.get_ref<const std::string&>() == "auto";
}

// Reads the value of the key `name` of `fields` into `recipe`, by kind of key.
struct Reader {
  std::string name;
  Fields& fields;
  Recipe& recipe;

  void operator()(CategoryKey) {
    if (fields.is_null(name)) {
      fields.ignore(name);
      recipe.category.clear();
    } else {
      recipe.category = find_category(fields.string(name, category_names())).name;
    }
  }
  void operator()(const TextKey& key) {
    std::string& out = recipe.*key.field;
    if (key.optional && fields.is_null(name)) {
      fields.ignore(name);
      out.clear();
      return;
    }
    out = chosen_text(key);
    if (out.empty()) fields.fail(name, "an empty text", "a name or a path");
  }
  void operator()(const FlagKey& key) { recipe.*key.field = fields.boolean(name); }
  void operator()(const IntegerKey& key) {
    const bool is_auto = takes_auto(key.automatic, name, fields);
    recipe.*key.field = is_auto ? kAuto : fields.integer(name, key.range);
  }
  void operator()(const NumberKey& key) {
    const bool is_auto = takes_auto(key.automatic, name, fields);
    recipe.*key.field = is_auto ? static_cast<double>(kAuto) : fields.number(name, key.range);
  }
  void operator()(const TargetsKey& key) {
    std::vector<std::string>& out = recipe.*key.field;
    if (fields.raw(name).is_string() && is_pattern(fields.string(name))) {
      out = {fields.string(name)};
      check_pattern(out[0], fields.where(name), ErrorKind::kConfig);
      return;
    }
    // One text is a list too, so that --set needs no brackets.
    out = fields.raw(name).is_string() ? split(fields.string(name), ',') : fields.strings(name);
    if (out.empty()) fields.fail(name, "an empty list", "at least one name");
    check_names(out);
  }
  void operator()(const LayersKey& key) {
    std::vector<int64_t>& out = recipe.*key.field;
    out.clear();
    const Range<int64_t> range{.min = 0, .max = kMaxLayers - 1};
    if (fields.is_null(name)) {
      fields.ignore(name);
    } else if (fields.raw(name).is_array()) {
      out = fields.integers(name, range);
      if (out.empty()) fields.fail(name, "an empty list", "numbers of blocks, or null for all");
    } else {
      out = {fields.integer(name, range)};
    }
  }
  template <typename T>
  void operator()(const PatternsKey<T>& key) {
    auto& out = recipe.*key.field;
    out.clear();
    Fields entries = fields.object(name);
    for (const std::string& pattern : entries.keys()) {
      check_pattern(pattern, entries.where(pattern), ErrorKind::kConfig);
      if constexpr (std::is_same_v<T, int64_t>) {
        out.emplace_back(pattern, entries.integer(pattern, key.range));
      } else {
        out.emplace_back(pattern, entries.number(pattern, key.range));
      }
    }
  }

 private:
  std::string chosen_text(const TextKey& key) {
    if (key.choices.empty()) return fields.string(name);
    const std::vector<std::string> choices = split(key.choices, '|');
    const Json& value = fields.raw(name);
    if (value.is_string() && is_numbered_choice(value.get_ref<const std::string&>(), choices)) {
      return fields.string(name);
    }
    std::string text = fields.string(name, choices);
    if (text.ends_with("_N")) fields.fail(name, text, std::string(key.choices), "N is a number");
    return text;
  }
  void check_names(const std::vector<std::string>& names) const {
    for (auto each = names.begin(); each != names.end(); ++each) {
      const bool twice = std::find(names.begin(), each, *each) != each;
      if (!each->empty() && !twice && is_plain_pattern(*each)) continue;
      fields.fail(name, fmt::format("\"{}\"{}", printable(*each), twice ? " twice" : ""),
                  "names, each once", "a pattern stands alone, as one text without brackets");
    }
  }
};

struct Writer {
  const Recipe& recipe;

  static Json text(const std::string& value) { return value.empty() ? Json() : Json(value); }

  Json operator()(CategoryKey) const { return text(recipe.category); }
  Json operator()(const TextKey& key) const { return text(recipe.*key.field); }
  Json operator()(const FlagKey& key) const { return recipe.*key.field; }
  Json operator()(const TargetsKey& key) const {
    const std::vector<std::string>& targets = recipe.*key.field;
    return targets.size() == 1 && is_pattern(targets[0]) ? Json(targets[0]) : Json(targets);
  }
  Json operator()(const LayersKey& key) const {
    return (recipe.*key.field).empty() ? Json() : Json(recipe.*key.field);
  }
  template <typename T>
  Json operator()(const PatternsKey<T>& key) const {
    Json object = Json::object();
    for (const auto& [pattern, value] : recipe.*key.field) object[pattern] = value;
    return object;
  }
  Json operator()(const IntegerKey& key) const {
    const int64_t value = recipe.*key.field;
    return key.automatic && value == kAuto ? Json("auto") : Json(value);
  }
  Json operator()(const NumberKey& key) const {
    const double value = recipe.*key.field;
    return key.automatic && value == static_cast<double>(kAuto) ? Json("auto") : Json(value);
  }
};

template <typename T>
std::string range_text(const Range<T>& range, bool automatic) {
  const std::string low = fmt::format("{}{}", range.min_excluded ? "above " : "", range.min);
  const std::string high = fmt::format("{}{}", range.max_excluded ? "below " : "", range.max);
  return fmt::format("{} to {}{}", low, high, automatic ? ", auto" : "");
}

struct Describer {
  std::string operator()(CategoryKey) const {
    std::string names;
    for (const Category& category : categories())
      names += (names.empty() ? "" : "|") + category.name;
    return names;
  }
  std::string operator()(const TextKey& key) const {
    return key.choices.empty() ? "text" : std::string(key.choices);
  }
  std::string operator()(const FlagKey&) const { return "true or false"; }
  std::string operator()(const TargetsKey&) const {
    return "list of names, all-linear, or a regular expression for the whole name";
  }
  std::string operator()(const LayersKey&) const { return "list of numbers, null for all"; }
  template <typename T>
  std::string operator()(const PatternsKey<T>& key) const {
    return "{end of a name: " + range_text(key.range, false) + "}";
  }
  std::string operator()(const IntegerKey& key) const {
    return range_text(key.range, key.automatic);
  }
  std::string operator()(const NumberKey& key) const {
    return range_text(key.range, key.automatic);
  }
};

}  // namespace

std::span<const RecipeKey> recipe_keys() { return kKeys; }

const RecipeKey* find_recipe_key(std::string_view name) {
  const auto* key = std::ranges::find(kKeys, name, &RecipeKey::name);
  return key == std::end(kKeys) ? nullptr : key;
}

void read_key(const RecipeKey& key, Fields& fields, Recipe& recipe) {
  std::visit(Reader{std::string(key.name), fields, recipe}, key.kind);
}

Json write_key(const RecipeKey& key, const Recipe& recipe) {
  return std::visit(Writer{recipe}, key.kind);
}

std::string allowed_values(const RecipeKey& key) { return std::visit(Describer{}, key.kind); }

}  // namespace telora
