#pragma once

#include <string>
#include <vector>

#include "tests/golden/scratch.h"
#include "train/recipe.h"

namespace telora {

// A folder with a model of two small blocks that reads bytes, and a file of short oran-bench and
// 6g-bench rows: whole runs take a moment.
class TinyBench {
 public:
  TinyBench();
  // A recipe over them; `settings` as in --set.
  Recipe recipe(const std::string& category, std::vector<std::string> settings = {}) const;
  std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }

 private:
  golden::Scratch folder_;
};

}  // namespace telora
