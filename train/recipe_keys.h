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
  std::string_view choices = {};  // "a|b"; empty = any text
  bool optional = false;          // null = not given
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

struct ListKey {
  std::vector<std::string> Recipe::*field;
};

// One setting: the same row serves files, --set, flags, to_yaml, the checks and the help.
struct RecipeKey {
  std::string_view name;
  std::variant<CategoryKey, TextKey, IntegerKey, NumberKey, ListKey> kind;
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
