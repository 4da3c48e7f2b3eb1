#include "train/run_scores.h"

namespace telora {

Evaluation evaluation_of(std::vector<Prediction> predictions) {
  Evaluation evaluation;
  evaluation.selection.name = kSelection;
  evaluation.selection.n = static_cast<int64_t>(predictions.size());
  for (const Prediction& prediction : predictions)
    evaluation.selection.correct += prediction.selected == prediction.gold;
  evaluation.generated = tally(kGenerated, predictions, true);
  evaluation.predictions = std::move(predictions);
  return evaluation;
}

}  // namespace telora
