#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "backbone/backbone.h"
#include "data/category.h"
#include "data/example.h"
#include "eval/encoded_example.h"
#include "scoring/cost.h"

namespace telora {

struct CostOptions {
  int64_t queries = 30;  // single questions, the first of the part; one more before them warms up
  int64_t max_new_tokens = 16;
  std::filesystem::path adapter;  // folder of the adapter that is scored; empty = the base
  // Called after each query with those done; may throw to stop.
  std::function<void(int64_t done)> progress;
};

// What one question at a time costs with what is attached to the backbone: from its text to the
// complete greedy answer as text, with the adapter's swap time (from its file to attached, the
// median of five; the adapter is attached again afterwards) and the energy of the processor's
// packages where it can be read. Peak memory is that of the whole process so far. Throws
// Error(usage) where the part has fewer questions than asked for.
Cost measure_cost(Backbone& backbone, const Category& category,
                  const std::vector<Example>& examples, const std::vector<EncodedExample>& encoded,
                  const CostOptions& options);

}  // namespace telora
