#include "scoring/part_baselines.h"

#include "scoring/free_baselines.h"

namespace telora {

BaselineInputs part_baselines(const Category& category, const std::vector<Example>& examples,
                              const Split& split, const std::string& part,
                              const std::vector<size_t>& rows) {
  const std::vector<Example> training = examples_at(examples, split.train);
  const std::vector<Example> scored = examples_at(examples, rows);
  BaselineInputs inputs{.part = part};
  inputs.baselines =
      part == "train"
          ? untrained_baselines(category, training, scored)
          : free_baselines(category, training, examples_at(examples, split.validation), scored);
  const Baseline& best = best_of(inputs.baselines);
  for (size_t i = 0; i < scored.size() && !best.marks.empty(); ++i)
    inputs.marks.push_back({scored[i].id, best.marks[i]});
  return inputs;
}

}  // namespace telora
