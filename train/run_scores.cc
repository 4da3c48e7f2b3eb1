#include "train/run_scores.h"

#include <algorithm>

#include "data/prompt.h"

namespace telora {

namespace {

std::string most_likely(const Prediction& prediction, const Category& category) {
  const auto best =
      std::ranges::max_element(prediction.option_logprobs) - prediction.option_logprobs.begin();
  const auto index = static_cast<size_t>(best);
  return category.kind == TaskKind::kLetters ? option_letter(index) : category.classes.at(index);
}

}  // namespace

Evaluation evaluation_of(std::vector<Prediction> predictions, const Category& category) {
  Evaluation evaluation;
  evaluation.selection.name = kSelection;
  evaluation.selection.n = static_cast<int64_t>(predictions.size());
  for (const Prediction& prediction : predictions) {
    evaluation.selection.correct += most_likely(prediction, category) == prediction.gold;
  }
  evaluation.generated = tally(kGenerated, predictions, true);
  evaluation.predictions = std::move(predictions);
  return evaluation;
}

}  // namespace telora
