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

// Logistic regression over options: an option's score is a weighted sum of its features, the answer
// to a question the option with the greatest.
class ChoiceModel {
 public:
  enum class Loss {
    kAlone,     // how likely each option is right, whatever stands beside it
    kCompared,  // which option of a question is right: softmax over its options (McFadden 1974)
  };
  ChoiceModel(size_t features, Loss loss) : loss_(loss), weights_(features + 1) {}

  // Minimises the negative log-likelihood plus `penalty` / 2 · |weights|², from the weights it has.
  void train(const std::vector<Choice>& questions, double penalty);
  std::vector<double> scores(const Choice& question) const;  // its answer is not looked at

 private:
  Loss loss_;
  std::vector<double> weights_;  // the last is the intercept, which is not penalised
};

// A text and the class it belongs to.
struct LabelledText {
  Features features;
  size_t answer = 0;  // number of its class
};

// Multinomial logistic regression: a weight for each feature and class.
class ClassModel {
 public:
  ClassModel(size_t features, size_t classes);

  void train(const std::vector<LabelledText>& texts, double penalty);  // as ChoiceModel::train
  std::vector<double> scores(const LabelledText& text) const;

 private:
  size_t classes_;
  std::vector<double> weights_;  // [feature, class]
};

}  // namespace telora
