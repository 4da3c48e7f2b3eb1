#include "eval/fill_prediction.h"

#include <algorithm>
#include <utility>

#include "data/answer_parser.h"
#include "data/prompt.h"
#include "scoring/majority.h"

namespace telora {

namespace {

size_t greatest(const std::vector<double>& values) {
  return static_cast<size_t>(std::ranges::max_element(values) - values.begin());
}

// Each divided by the bytes of its completion.
std::vector<double> by_length(std::vector<double> values,
                              const std::vector<std::string>& completions) {
  for (size_t i = 0; i < values.size(); ++i)
    values[i] /= static_cast<double>(std::max<size_t>(completions[i].size(), 1));
  return values;
}

}  // namespace

Prediction described(const Category& category, const Example& example,
                     const EvaluationOptions& options) {
  Prediction prediction;
  prediction.id = example.id;
  prediction.split = options.part;
  prediction.split_method = options.split_method;
  prediction.split_seed = options.split_seed;
  prediction.parser = category.parser;
  prediction.group = example.group;
  prediction.options = std::ssize(example.options);
  prediction.gold = gold_text(category, example);
  return prediction;
}

void add_selection(Prediction& prediction, const Category& category, const Example& example,
                   const CandidateScores& scores) {
  if (scores.options.empty()) return;
  const std::vector<std::string> completions = make_prompt(category, example).candidates;
  prediction.option_logprobs = scores.options;
  prediction.selected = option_name(category, example, greatest(scores.options));
  prediction.selected_by_length =
      option_name(category, example, greatest(by_length(scores.options, completions)));
  prediction.predicted = prediction.selected;
  prediction.correct = prediction.predicted == prediction.gold;
  prediction.parsed = true;
}

void add_output(Prediction& prediction, const Category& category, const Example& example,
                std::string output) {
  const ReadAnswer official =
      read_answer(category.parser, output, prediction.gold, example.options);
  prediction.parsed = !official.parsed.empty();
  prediction.predicted = official.parsed;
  prediction.correct = official.correct;
  for (const std::string& parser : category.other_parsers) {
    const ReadAnswer read = read_answer(parser, output, prediction.gold, example.options);
    prediction.readings.push_back({parser, read.parsed, read.correct});
  }
  prediction.output = std::move(output);
}

void add_samples(Prediction& prediction, const Category& category, const Example& example,
                 std::vector<std::string> outputs) {
  for (std::string& output : outputs) {
    const ReadAnswer read = read_answer(category.parser, output, prediction.gold, example.options);
    prediction.samples.push_back({std::move(output), read.parsed, read.correct});
  }
  const std::optional<size_t> winner = majority_vote(prediction.samples);
  if (!winner) return;
  prediction.voted = prediction.samples[*winner].predicted;
  prediction.voted_correct = prediction.samples[*winner].correct;
}

}  // namespace telora
