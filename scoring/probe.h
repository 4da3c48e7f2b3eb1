#pragma once

#include <vector>

#include "data/example.h"
#include "scoring/baselines.h"

namespace telora {

// The rows that a probe learns from, is chosen by and is scored on.
struct ProbeParts {
  const std::vector<Example>& training;
  const std::vector<Example>& validation;
  const std::vector<Example>& test;
};

// Small linear models of the texts, trained in seconds. What they know cannot be called
// understanding, so what they score costs nothing. Each is trained with several penalties (and
// kinds of features); the one to which the validation answers are likeliest is scored, of equals
// the most penalised. Deterministic. All throw Error(data) without training or validation rows.

// Words and pairs of words of each option; neither the question nor the other options are read. For
// letters.
Baseline options_probe(const ProbeParts& parts);

// How the options look (scoring/surface.h): place, length, signs, words of the question, stock
// phrases. For letters.
Baseline surface_probe(const ProbeParts& parts);

// Words and pairs of words of the whole question. For classes; all rows must have the same options.
Baseline text_probe(const ProbeParts& parts);

}  // namespace telora
