#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "core/document.h"
#include "train/recipe.h"

namespace telora {

// A name of the category table, kept in its canonical form.
struct CategoryKey {};

struct TextKey {
  std::string Recipe::*field;
  std::string_view choices = {};  // "a|b", N in it for a number from 1 on; empty = any text
  bool optional = false;          // null = not given
};

struct FlagKey {
  bool Recipe::*field;
};

struct IntegerKey {
  int64_t Recipe::*field;
  Range<int64_t> range;
  bool automatic = false;  // `auto` allowed
};

struct NumberKey {
  double Recipe::*field;
  Range<double> range;
  bool automatic = false;
};

// Names of layers, or one pattern for the whole name.
struct TargetsKey {
  std::vector<std::string> Recipe::*field;
};

// Block numbers; null = all.
struct LayersKey {
  std::vector<int64_t> Recipe::*field;
};

// Pattern for the end of a layer's name -> value, the first that matches counts.
template <typename T>
struct PatternsKey {
  std::vector<std::pair<std::string, T>> Recipe::*field;
  Range<T> range;
};

// One setting: the same row serves files, --set, flags, to_yaml, the checks and the help.
struct RecipeKey {
  std::string_view name;
  std::variant<CategoryKey, TextKey, FlagKey, IntegerKey, NumberKey, TargetsKey, LayersKey,
               PatternsKey<int64_t>, PatternsKey<double>>
      kind;
  std::string_view doc;
};

std::span<const RecipeKey> recipe_keys();
const RecipeKey* find_recipe_key(std::string_view name);  // nullptr if there is none

// Reads the key's value from `fields` into the recipe. Throws as Fields does.
void read_key(const RecipeKey& key, Fields& fields, Recipe& recipe);

// The value as a file holds it: `auto` and null included.
nlohmann::ordered_json write_key(const RecipeKey& key, const Recipe& recipe);

// What may stand there, in words: "1 to 1024", "above 0, at most 1", "answer|full".
std::string allowed_values(const RecipeKey& key);

}  // namespace telora
