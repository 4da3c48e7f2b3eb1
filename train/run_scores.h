#pragma once

#include <vector>

#include "eval/evaluate.h"

namespace telora {

// The scores that a list of predictions amounts to (target_loss is not in them and stays 0).
Evaluation evaluation_of(std::vector<Prediction> predictions);

}  // namespace telora
