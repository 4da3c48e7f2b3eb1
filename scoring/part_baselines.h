#pragma once

#include <string>
#include <vector>

#include "data/category.h"
#include "data/example.h"
#include "data/split.h"
#include "scoring/build_report.h"

namespace telora {

// What costs nothing on `rows` (indices into `examples`) of one part of a split: rules, and on
// validation and test the probes that are trained on the training part. On the training part
// itself they would be scored on what they learned, so only rules stand there. With the marks of
// the best one. Throws as free_baselines().
BaselineInputs part_baselines(const Category& category, const std::vector<Example>& examples,
                              const Split& split, const std::string& part,
                              const std::vector<size_t>& rows);

}  // namespace telora
