#pragma once

#include <string>
#include <vector>

#include "data/category.h"
#include "data/example.h"
#include "eval/evaluate.h"
#include "eval/prompt_batch.h"
#include "scoring/prediction.h"

namespace telora {

// What is known of a prediction before anything is answered: the question's id, part and group, the
// right answer, the parser.
Prediction described(const Category& category, const Example& example,
                     const EvaluationOptions& options);

// The options' log-probabilities and the options with the greatest ones, the first of equals: by
// themselves and divided by the bytes of the completion. Where nothing is generated, that is the
// answer.
void add_selection(Prediction& prediction, const Category& category, const Example& example,
                   const CandidateScores& scores);

// The greedy answer, read by the category's official parser and by its other ones.
void add_output(Prediction& prediction, const Category& category, const Example& example,
                std::string output);

// Drawn answers, and the vote over those that were understood.
void add_samples(Prediction& prediction, const Category& category, const Example& example,
                 std::vector<std::string> outputs);

}  // namespace telora
