#pragma once

#include <string>
#include <vector>

#include "data/category.h"
#include "scoring/baselines.h"
#include "scoring/probe.h"

namespace telora {

// All that answers the test rows without a model: constants, lengths, chance, the category's
// hand-written rule, the trained probes. The best of them (best_of) is A₀.
std::vector<Baseline> free_baselines(const Category& category, const std::vector<Example>& training,
                                     const std::vector<Example>& validation,
                                     const std::vector<Example>& test);

// Those of them that need no validation part: all but the probes, in the same order.
std::vector<Baseline> untrained_baselines(const Category& category,
                                          const std::vector<Example>& training,
                                          const std::vector<Example>& test);

// The share of rows whose right answer is the first, second, … option; empty for open answers.
std::vector<double> gold_shares(const std::vector<Example>& rows);

}  // namespace telora
