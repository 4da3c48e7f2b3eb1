#pragma once

#include <functional>
#include <vector>

#include "backbone/backbone.h"
#include "data/category.h"
#include "data/example.h"
#include "eval/encoded_example.h"
#include "eval/evaluate.h"

namespace telora {

// How many questions add_rotations() asks of these rows.
int64_t rotated_questions(const std::vector<Example>& examples, const std::vector<size_t>& rows);

// Asks every question of `encoded` again with its options in each other order they can stand in
// (data/option_rotation.h) and adds what was selected and answered to the predictions of each
// evaluation, as letters of the question as it is. The adapters of the evaluations are attached, as
// for evaluate_attached(). Prompts are cut to the category's greatest length. Throws Error(usage)
// for a category without lettered options.
void add_rotations(const Backbone& backbone, const Category& category,
                   const std::vector<Example>& examples, const std::vector<EncodedExample>& encoded,
                   const EvaluationOptions& options, std::vector<Evaluation>& evaluations);

}  // namespace telora
