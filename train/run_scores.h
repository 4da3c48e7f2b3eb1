#pragma once

#include <vector>

#include "data/category.h"
#include "eval/evaluate.h"

namespace telora {

// The scores that a list of predictions amounts to (target_loss is not in them and stays 0).
Evaluation evaluation_of(std::vector<Prediction> predictions, const Category& category);

}  // namespace telora
