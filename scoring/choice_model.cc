#include "scoring/choice_model.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <utility>

#include "scoring/lbfgs.h"

namespace telora {

namespace {

// Scores become probabilities; returns −log of the answer's.
double softmax_loss(std::vector<double>& scores, size_t answer) {
  const double greatest = std::ranges::max(scores);
  const double given = scores[answer] - greatest;
  double sum = 0;
  for (double& score : scores) sum += score = std::exp(score - greatest);
  for (double& score : scores) score /= sum;
  return std::log(sum) - given;
}

// Scores become probabilities, each for itself; returns −log of the answer's and of the others'
// complements.
double logistic_loss(std::vector<double>& scores, size_t answer) {
  double loss = 0;
  for (size_t i = 0; i < scores.size(); ++i) {
    const double wrong = i == answer ? -scores[i] : scores[i];
    loss += std::max(0.0, wrong) + std::log1p(std::exp(-std::abs(wrong)));
    scores[i] = 1 / (1 + std::exp(-scores[i]));
  }
  return loss;
}

// penalty / 2 · |x|², whose gradient is where the others are added to.
double penalise(std::span<const double> x, std::span<double> gradient, double penalty) {
  double squares = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    squares += x[i] * x[i];
    gradient[i] = penalty * x[i];
  }
  return penalty / 2 * squares;
}

// Four sums side by side: one alone would wait for each addition.
double weigh(std::span<const double> weights, const Features& features) {
  const auto term = [&](size_t i) {
    return weights[features[i].index] * double{features[i].value};
  };
  double a = 0, b = 0, c = 0, d = 0;
  size_t i = 0;
  for (; i + 4 <= features.size(); i += 4) {
    a += term(i);
    b += term(i + 1);
    c += term(i + 2);
    d += term(i + 3);
  }
  for (; i < features.size(); ++i) a += term(i);
  return (a + b) + (c + d);
}

void score_classes(std::span<const double> weights, const Features& features,
                   std::vector<double>& scores) {
  std::ranges::fill(scores, 0);
  const size_t classes = scores.size();
  for (const auto& [index, value] : features) {
    const double* row = weights.data() + index * classes;
    for (size_t c = 0; c < classes; ++c) scores[c] += double{value} * row[c];
  }
}

}  // namespace

void ChoiceModel::train(const std::vector<Choice>& questions, double penalty) {
  const Objective objective = [&](std::span<const double> x, std::span<double> gradient) {
    const size_t last = x.size() - 1;
    double loss = penalise(x.first(last), gradient.first(last), penalty);
    gradient[last] = 0;
    std::vector<double> p;
    for (const Choice& question : questions) {
      p.clear();
      for (const Features& option : question.options) p.push_back(weigh(x, option) + x[last]);
      loss += loss_ == Loss::kAlone ? logistic_loss(p, question.answer)
                                    : softmax_loss(p, question.answer);
      p[question.answer] -= 1;
      for (size_t i = 0; i < p.size(); ++i) {
        for (const auto& [index, value] : question.options[i])
          gradient[index] += p[i] * double{value};
        gradient[last] += p[i];
      }
    }
    return loss;
  };
  weights_ = minimise(objective, std::move(weights_));
}

std::vector<double> ChoiceModel::scores(const Choice& question) const {
  std::vector<double> scores;
  for (const Features& option : question.options) {
    scores.push_back(weigh(weights_, option) + weights_.back());
  }
  return scores;
}

ClassModel::ClassModel(size_t features, size_t classes)
    : classes_(classes), weights_(features * classes) {}

void ClassModel::train(const std::vector<LabelledText>& texts, double penalty) {
  const Objective objective = [&](std::span<const double> x, std::span<double> gradient) {
    double loss = penalise(x, gradient, penalty);
    std::vector<double> p(classes_);
    for (const LabelledText& text : texts) {
      score_classes(x, text.features, p);
      loss += softmax_loss(p, text.answer);
      p[text.answer] -= 1;
      for (const auto& [index, value] : text.features) {
        double* row = gradient.data() + index * classes_;
        for (size_t c = 0; c < classes_; ++c) row[c] += double{value} * p[c];
      }
    }
    return loss;
  };
  weights_ = minimise(objective, std::move(weights_));
}

std::vector<double> ClassModel::scores(const LabelledText& text) const {
  std::vector<double> scores(classes_);
  score_classes(weights_, text.features, scores);
  return scores;
}

}  // namespace telora
