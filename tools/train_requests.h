#pragma once

#include <optional>
#include <string>
#include <vector>

#include "train/run.h"

namespace telora {

// One flag of lora-train that stands for one key of the recipe.
struct RecipeFlag {
  const char* flag;
  const char* key;
  const char* help;
};
const std::vector<RecipeFlag>& recipe_flags();

// The command line of lora-train.
struct TrainFlags {
  std::vector<std::optional<std::string>> recipe =
      std::vector<std::optional<std::string>>(recipe_flags().size());
  std::string config, out, dump_batches, save_initial;
  std::vector<std::string> resume, settings;
  bool no_eval = false, quiet = false, profile = false, help_recipe = false;
};

// The runs that the flags ask for: one for each pair of the --category and --rank lists, in that
// order, or those that --resume names; a folder that holds runs stands for those of them that are
// not finished. Throws Error(usage) for flags that do not go together, empty and repeated items of
// a list, Error(missing) for folders without a run, otherwise as load_recipe and read_recipe.
std::vector<RunRequest> make_requests(const TrainFlags& flags);

}  // namespace telora
