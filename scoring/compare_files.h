#pragma once

#include <string>
#include <vector>

#include "scoring/comparison.h"

namespace telora {

struct CompareRequest {
  std::vector<std::string> files =
      {};                   // first, second, first, second, …: as find_predictions() takes
  std::string metric = {};  // empty: kGenerated where all have it, else kSelection
  std::string part = {};    // empty: test where there is one
};

// A comparison with what a reader must know of it.
struct FileComparison {
  Comparison comparison = {};
  Score first = {};
  Score second = {};
  std::string split_method = {};
  int64_t split_seed = 0;
  std::string parser = {};
};

// One a pair; their p-values are adjusted together. Throws Error(usage) for an odd number of files
// or a metric or part that a file has not, Error(data) for files that are not comparable.
std::vector<FileComparison> compare_files(const CompareRequest& request);

// What was found, as text of at most 100 columns, and as one JSON object.
std::string render_comparisons(const std::vector<FileComparison>& comparisons);
std::string comparisons_json(const std::vector<FileComparison>& comparisons);

}  // namespace telora
