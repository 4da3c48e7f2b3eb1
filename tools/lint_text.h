#pragma once

#include <string>
#include <vector>

#include "data/lint.h"

namespace telora {

// What lora-data lint found in several categories. `shared` counts the questions that more than one
// of them asks.
struct LintFindings {
  std::vector<CategoryLint> categories;
  size_t shared = 0;
};

// For readers: tables of duplicates and groups, then a line for each thing that is wrong.
std::string lint_text(const LintFindings& findings);

// The same as one JSON object, rows 0-based.
std::string lint_json(const LintFindings& findings);

}  // namespace telora
