#include "scoring/probe.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>

#include "core/error.h"
#include "scoring/choice_model.h"
#include "scoring/hashed_text.h"
#include "scoring/surface.h"

namespace telora {

namespace {

// From the simplest model to the freest, so that each starts near its end.
using Penalties = std::vector<double>;

using ExampleFeatures = std::function<std::vector<Features>(const Example&)>;

void check(const ProbeParts& parts) {
  if (!parts.training.empty() && !parts.validation.empty()) return;
  fail(ErrorKind::kData,
       {.file = parts.training.empty() ? "training part" : "validation part", .field = "rows"},
       "none", "at least one");
}

// A trained model, as what it scores options with.
struct Candidate {
  double right = -1;  // of the validation rows
  OptionScores scores;
  std::string detail;
};

void keep_better(Candidate& best, const std::vector<Example>& validation, OptionScores scores,
                 const std::string& detail) {
  const double right = rule_baseline("", validation, scores).expected;
  if (right <= best.right) return;
  best = {right, std::move(scores),
          fmt::format("{}; {:.1f} % of the validation part", detail,
                      100 * right / static_cast<double>(validation.size()))};
}

void try_choices(Candidate& best, const ProbeParts& parts, size_t size,
                 const ExampleFeatures& features, const Penalties& penalties,
                 const std::string& detail) {
  std::vector<Choice> questions;
  for (const Example& row : parts.training) questions.push_back({features(row), row.answer});
  ChoiceModel model(size);
  for (const double penalty : penalties) {
    model.train(questions, penalty);
    keep_better(
        best, parts.validation,
        [model, features](const Example& row) { return model.scores(features(row)); },
        fmt::format("{}, penalty {}", detail, penalty));
  }
}

Baseline score(std::string name, const ProbeParts& parts, const Candidate& best) {
  Baseline baseline = rule_baseline(std::move(name), parts.test, best.scores);
  baseline.detail = best.detail;
  return baseline;
}

std::vector<std::string> option_texts(const std::vector<Example>& rows) {
  std::vector<std::string> texts;
  for (const Example& row : rows) {
    for (std::string& option : without_numbers(row.options)) texts.push_back(std::move(option));
  }
  return texts;
}

std::vector<std::string> question_texts(const std::vector<Example>& rows) {
  std::vector<std::string> texts;
  for (const Example& row : rows) texts.push_back(row.question);
  return texts;
}

}  // namespace

Baseline options_probe(const ProbeParts& parts) {
  check(parts);
  Candidate best;
  const std::vector<std::string> texts = option_texts(parts.training);
  for (const size_t shortest : {size_t{2}, size_t{1}}) {
    const auto bag = std::make_shared<HashedText>(
        texts, HashedText::Options{.fewest_texts = 2, .shortest_word = shortest});
    const ExampleFeatures features = [bag](const Example& row) {
      std::vector<Features> options;
      for (const std::string& option : without_numbers(row.options)) {
        options.push_back(bag->features(option));
      }
      return options;
    };
    try_choices(best, parts, bag->size(), features, {10, 3, 1, 0.3, 0.1},
                fmt::format("words of {} letters and more", shortest));
  }
  return score("probe: words of the options", parts, best);
}

Baseline surface_probe(const ProbeParts& parts) {
  check(parts);
  Candidate best;
  for (const bool by_place : {false, true}) {
    try_choices(
        best, parts, surface_size(),
        [by_place](const Example& row) { return surface_features(row, by_place); },
        {100, 30, 10, 3}, by_place ? "features by place" : "features");
  }
  return score("probe: surface of the options", parts, best);
}

Baseline text_probe(const ProbeParts& parts) {
  check(parts);
  Candidate best;
  const auto bag =
      std::make_shared<HashedText>(question_texts(parts.training), HashedText::Options{});
  std::vector<LabelledText> texts;
  for (const Example& row : parts.training) {
    texts.push_back({bag->features(row.question), row.answer});
  }
  ClassModel model(bag->size(), parts.training.front().options.size());
  for (const double penalty : Penalties{1, 0.3, 0.1, 0.03, 0.01}) {
    model.train(texts, penalty);
    const auto trained = std::make_shared<ClassModel>(model);
    keep_better(
        best, parts.validation,
        [trained, bag](const Example& row) { return trained->scores(bag->features(row.question)); },
        fmt::format("penalty {}", penalty));
  }
  return score("probe: words of the text", parts, best);
}

}  // namespace telora
