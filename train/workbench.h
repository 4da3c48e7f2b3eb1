#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "backbone/backbone.h"
#include "data/category.h"
#include "data/source.h"
#include "data/split.h"
#include "eval/encoded_example.h"
#include "eval/evaluate.h"
#include "train/frozen_states.h"
#include "train/recipe.h"
#include "train/run_profile.h"

namespace telora {

// The rows of a category as they were drawn.
struct CategoryRows {
  const Category& category;
  DataSet data;
  Split split;
};

// Questions as they are asked, with the rows that their answers belong to.
struct AskedQuestions {
  std::vector<Example> examples;
  std::vector<EncodedExample> encoded;
};

// Its three parts as token ids.
struct EncodedParts {
  std::vector<EncodedExample> train, validation, test;
  // Of each training row, the question with its options in the other orders they can stand in;
  // empty unless the recipe rotates options.
  std::vector<std::vector<EncodedExample>> train_orders = {};
  // The validation questions, each in one drawn order of its options, so that no place is right
  // more often than another; empty unless the recipe selects by rotated_accuracy.
  AskedQuestions rotated_validation = {};
};

// What the runs of one process share, each made once, when the first run asks for it: the frozen
// backbone, rows and split, the rows as token ids, the scores of the backbone without an adapter.
// What it hands out lives as long as it does.
class Workbench {
 public:
  // `note` is told what a user should know of the shared rows; it may be empty.
  explicit Workbench(std::function<void(const std::string&)> note);

  // Throws as load_category and make_split.
  const CategoryRows& rows(const Recipe& recipe);

  // Loads the frozen weights that `recipe` names. Throws as load_backbone. The other recipes must
  // name the same (require_same_backbone).
  void load(const Recipe& recipe);
  Backbone& backbone() { return *backbone_; }

  // After load(); `recipe` as resolve_recipe left it. Throws as ExampleEncoder.
  const EncodedParts& parts(const Recipe& recipe);

  // Scores of the test part without an adapter; none may be attached. `progress` as in
  // EvaluationOptions, may throw to stop: then the next call begins anew.
  const Evaluation& base_scores(const Recipe& recipe,
                                const std::function<void(int64_t done)>& progress);

  // States below the adapters, which runs on the same batch share.
  FrozenStates& frozen_states() { return frozen_states_; }

  // For profiles: what the runs hold, and how fast this machine multiplies (measured once).
  void hold(int64_t adapter_bytes, int64_t optimizer_bytes);
  MemoryUse memory();
  const GemmRate& gemm_rate();

 private:
  // What decides them, in the order of the recipe.
  using RowsKey = std::tuple<std::string, std::string, std::string, int64_t, bool, std::string>;
  using PartsKey = std::tuple<RowsKey, int64_t, std::string, bool>;
  using ScoresKey = std::pair<PartsKey, int64_t>;
  static RowsKey rows_key(const Recipe& recipe);
  static PartsKey parts_key(const Recipe& recipe);
  void note_shortened(const EncodedParts& parts, int64_t max_length) const;

  std::function<void(const std::string&)> note_;
  std::unique_ptr<Backbone> backbone_;
  std::map<RowsKey, std::unique_ptr<const CategoryRows>> rows_;
  std::map<PartsKey, std::unique_ptr<const EncodedParts>> parts_;
  std::map<ScoresKey, std::unique_ptr<const Evaluation>> base_scores_;
  FrozenStates frozen_states_;
  MemoryUse held_;
  std::optional<GemmRate> gemm_rate_;
};

// Recipes of one process name one backbone in one precision, one chat template and one number of
// threads. Throws Error(usage) naming the first setting that differs and both values.
void require_same_backbone(const std::vector<const Recipe*>& recipes);

// What scoring the test part with a recipe's settings means: option log-likelihoods and answers.
EvaluationOptions test_options(const Recipe& recipe);

}  // namespace telora
