#pragma once

#include <cstddef>
#include <vector>

#include "scoring/hashed_text.h"

namespace telora {

// A question with the features of each of its options.
struct Choice {
  std::vector<Features> options;
  size_t answer = 0;
};

// Conditional logistic regression (McFadden 1974): an option's score is a weighted sum of its
// features, and the softmax over the options of one question is how likely each is right.
class ChoiceModel {
 public:
  explicit ChoiceModel(size_t features) : weights_(features) {}

  // Minimises the negative log-likelihood of the right options plus `penalty` / 2 · |weights|²,
  // from the weights it has.
  void train(const std::vector<Choice>& questions, double penalty);
  std::vector<double> scores(const std::vector<Features>& options) const;

 private:
  std::vector<double> weights_;
};

// A text with its features, and its class.
struct LabelledText {
  Features features;
  size_t label = 0;
};

// Multinomial logistic regression: a weight for each feature and class.
class ClassModel {
 public:
  ClassModel(size_t features, size_t classes);

  void train(const std::vector<LabelledText>& texts, double penalty);  // as ChoiceModel::train
  std::vector<double> scores(const Features& features) const;

 private:
  size_t classes_;
  std::vector<double> weights_;  // [feature, class]
};

}  // namespace telora
