#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "train/recipe.h"

namespace telora {

// A setting of the recipe that takes several values.
struct SweepAxis {
  std::string key;
  std::vector<std::string> values;  // as --set takes them
};

// What the runs of a sweep share and in what they differ.
struct Sweep {
  RecipeSources base;
  std::vector<SweepAxis> axes;  // the first changes slowest
  int64_t runs = 0;             // so many combinations, drawn at random; 0: all of them
  uint64_t seed = 42;           // of the draw
};

// A sweep file: `config` (a recipe file), `recipe` (settings that all runs share), `axes` (of each
// setting a list of values, or {from, to, points, scale: linear | log}), `runs` and `seed`. Throws
// Error(config) naming the key, for unknown settings with the nearest one.
Sweep read_sweep(const std::string& yaml, const std::string& file);

// Puts an axis in, in place of one of the same key. Throws Error(config) for a setting that no
// recipe has, Error(usage) for no values or one twice.
void set_axis(Sweep& sweep, SweepAxis axis);

// Items of a comma-separated flag. Throws Error(usage) naming the flag for an empty one.
std::vector<std::string> list_items(const std::string& flag, const std::string& text);

struct PlannedRun {
  std::string name;                                         // of its folder: "r8-s42"
  std::vector<std::pair<std::string, std::string>> values;  // of the axes, in their order
  Recipe recipe;                                            // as load_recipe() gives it
};

// Every combination of the axes' values, or the drawn ones, in the order of the grid. Throws
// Error(usage) for no axes and for more runs than there are combinations, and as load_recipe().
std::vector<PlannedRun> plan_runs(const Sweep& sweep);

// SHA-256 of names and recipes: equal exactly if the same runs are planned.
std::string plan_digest(const std::vector<PlannedRun>& runs);

// "rank 8, seed 42"; "all" for none.
std::string values_text(const std::vector<std::pair<std::string, std::string>>& values);

// The value of an axis of a run; empty where there is no such axis.
std::string value_of(const PlannedRun& run, const std::string& key);

}  // namespace telora
