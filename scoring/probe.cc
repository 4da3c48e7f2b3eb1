#include "scoring/probe.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "core/error.h"
#include "data/option_rotation.h"
#include "scoring/choice_model.h"
#include "scoring/hashed_text.h"
#include "scoring/surface.h"

namespace telora {

namespace {

// From the simplest model to the freest, so that each starts near its end.
using Penalties = std::vector<double>;

void check(const ProbeParts& parts) {
  if (!parts.training.empty() && !parts.validation.empty()) return;
  fail(ErrorKind::kData,
       {.file = parts.training.empty() ? "training part" : "validation part", .field = "rows"},
       "none", "at least one");
}

// The best model so far.
struct Candidate {
  double likelihood = -std::numeric_limits<double>::infinity();  // of the validation answers, log
  std::vector<std::vector<double>> scores;                       // of each test row's options
  std::string detail;
};

// The rows as what a model reads: Choice or LabelledText.
template <typename Item>
struct Items {
  std::vector<Item> training, validation, test;
};

template <typename Item, typename Make>
Items<Item> make_items(const ProbeParts& parts, Make make) {
  Items<Item> items;
  for (const Example& row : parts.training) items.training.push_back({make(row), row.answer});
  for (const Example& row : parts.validation) items.validation.push_back({make(row), row.answer});
  for (const Example& row : parts.test) items.test.push_back({make(row), row.answer});
  return items;
}

// Softmax of the scores, as the models are trained.
double log_likelihood(const std::vector<double>& scores, size_t answer) {
  const double most = std::ranges::max(scores);
  double sum = 0;
  for (const double score : scores) sum += std::exp(score - most);
  return scores.at(answer) - most - std::log(sum);
}

size_t greatest(const std::vector<double>& scores) {
  return static_cast<size_t>(std::ranges::max_element(scores) - scores.begin());
}

template <typename Model, typename Item>
std::vector<std::vector<double>> score_all(const Model& model, const std::vector<Item>& items) {
  std::vector<std::vector<double>> scores;
  for (const Item& item : items) scores.push_back(model.scores(item));
  return scores;
}

// Models are compared by likelihood and not by the number of right answers: with a few hundred rows
// that number is mostly chance, and neighbouring models differ by less than its error.
template <typename Model, typename Item>
void try_penalties(Candidate& best, Model model, const Items<Item>& items,
                   const Penalties& penalties, const std::string& detail) {
  for (const double penalty : penalties) {
    model.train(items.training, penalty);
    const std::vector<std::vector<double>> scores = score_all(model, items.validation);
    double likelihood = 0;
    double right = 0;
    for (size_t i = 0; i < scores.size(); ++i) {
      likelihood += log_likelihood(scores[i], items.validation[i].answer);
      right += greatest(scores[i]) == items.validation[i].answer ? 1 : 0;
    }
    if (likelihood <= best.likelihood) continue;
    best = {likelihood, score_all(model, items.test),
            fmt::format("{}penalty {}; {:.1f} % of the validation part", detail, penalty,
                        100 * right / static_cast<double>(scores.size()))};
  }
}

// A probe gives one answer, as a model does: of equals the first.
Baseline score(std::string name, const ProbeParts& parts, const Candidate& best) {
  Baseline baseline{
      .name = std::move(name), .n = static_cast<int64_t>(parts.test.size()), .detail = best.detail};
  for (size_t i = 0; i < parts.test.size(); ++i) {
    baseline.marks.push_back(greatest(best.scores[i]) == parts.test[i].answer ? 1 : 0);
    baseline.expected += baseline.marks.back();
  }
  return baseline;
}

std::vector<std::string> option_texts(const std::vector<Example>& rows) {
  std::vector<std::string> texts;
  for (const Example& row : rows) {
    for (std::string& option : strip_option_numbers(row.options))
      texts.push_back(std::move(option));
  }
  return texts;
}

std::vector<std::string> question_texts(const std::vector<Example>& rows) {
  std::vector<std::string> texts;
  for (const Example& row : rows) texts.push_back(row.question);
  return texts;
}

// Leaves the features that do not depend on an option's place alone.
void keep_plain(std::vector<Choice>& choices) {
  for (Choice& choice : choices) {
    for (Features& features : choice.options) {
      std::erase_if(features, [](const Feature& f) { return f.index >= plain_surface_size(); });
    }
  }
}

}  // namespace

Baseline options_probe(const ProbeParts& parts) {
  check(parts);
  Candidate best;
  // A single digit can be a whole option, so words of one letter count.
  const HashedText bag(option_texts(parts.training), {.fewest_texts = 2, .shortest_word = 1});
  const auto items = make_items<Choice>(parts, [&](const Example& row) {
    std::vector<Features> options;
    for (const std::string& option : strip_option_numbers(row.options)) {
      options.push_back(bag.features(option));
    }
    return options;
  });
  try_penalties(best, ChoiceModel(bag.size(), ChoiceModel::Loss::kAlone), items, {3, 1, 0.3, 0.1},
                "");
  return score("probe: words of the options", parts, best);
}

Baseline surface_probe(const ProbeParts& parts) {
  check(parts);
  Candidate best;
  auto items = make_items<Choice>(parts, surface_features);
  try_penalties(best, ChoiceModel(surface_size(), ChoiceModel::Loss::kCompared), items,
                {100, 30, 10, 3}, "features by place, ");
  for (auto* choices : {&items.training, &items.validation, &items.test}) keep_plain(*choices);
  try_penalties(best, ChoiceModel(plain_surface_size(), ChoiceModel::Loss::kCompared), items,
                {100, 30, 10, 3}, "");
  return score("probe: surface of the options", parts, best);
}

Baseline text_probe(const ProbeParts& parts) {
  check(parts);
  Candidate best;
  const HashedText bag(question_texts(parts.training), {});
  const auto items = make_items<LabelledText>(
      parts, [&](const Example& row) { return bag.features(row.question); });
  try_penalties(best, ClassModel(bag.size(), parts.training.front().options.size()), items,
                {1, 0.3, 0.1, 0.03, 0.01}, "");
  return score("probe: words of the text", parts, best);
}

}  // namespace telora
