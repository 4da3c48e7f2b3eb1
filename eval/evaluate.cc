#include "eval/evaluate.h"

#include <algorithm>
#include <span>

#include "data/answer_parser.h"
#include "data/prompt.h"
#include "eval/prompt_batch.h"

namespace telora {

namespace {

constexpr size_t kMostRows = 256;  // of one pass: bounds the logits [rows, V] held at once

size_t best_option(const std::vector<double>& log_probabilities) {
  return static_cast<size_t>(std::ranges::max_element(log_probabilities) -
                             log_probabilities.begin());
}

std::string answer_name(const Category& category, const Example& example, size_t option) {
  return category.kind == TaskKind::kLetters ? option_letter(option) : example.options[option];
}

Prediction describe(const Category& category, const Example& example, const CandidateScores& scores,
                    const EvaluationOptions& options) {
  Prediction prediction;
  prediction.id = example.id;
  prediction.split = options.part;
  prediction.gold = answer_name(category, example, example.answer);
  prediction.option_logprobs = scores.options;
  prediction.predicted = answer_name(category, example, best_option(scores.options));
  prediction.correct = prediction.predicted == prediction.gold;
  prediction.parsed = true;
  return prediction;
}

void add_output(Prediction& prediction, const Category& category, const Example& example,
                std::string output) {
  const auto answer = parse_answer(category.parser, output, example.options);
  prediction.output = std::move(output);
  prediction.parsed = answer.has_value();
  prediction.predicted = answer ? answer_name(category, example, *answer) : "";
  prediction.correct = answer == example.answer;
}

// Adds one pass's worth of questions to the evaluation.
class Pass {
 public:
  Pass(const Backbone& backbone, const Category& category, const std::vector<Example>& examples,
       const EvaluationOptions& options)
      : backbone_(backbone),
        category_(category),
        examples_(examples),
        options_(options),
        stop_(backbone.tokenizer.end_of_turn_ids()) {}

  void run(std::span<const EncodedExample> encoded, Evaluation& evaluation) {
    PromptBatch batch(backbone_.decoder, encoded, options_.max_new_tokens);
    const std::vector<CandidateScores> scores = batch.score_candidates();
    const std::vector<Continuation> outputs = generate(batch, encoded);
    for (size_t i = 0; i < encoded.size(); ++i) {
      const Example& example = examples_[encoded[i].index];
      Prediction prediction = describe(category_, example, scores[i], options_);
      evaluation.selection.correct += prediction.correct;
      loss_ -= scores[i].target;
      tokens_ += scores[i].target_tokens;
      if (options_.generate) {
        add_output(prediction, category_, example, backbone_.tokenizer.decode(outputs[i].ids));
      }
      evaluation.predictions.push_back(std::move(prediction));
    }
  }

  double mean_loss() const { return tokens_ == 0 ? 0 : loss_ / static_cast<double>(tokens_); }

 private:
  std::vector<Continuation> generate(PromptBatch& batch, std::span<const EncodedExample> encoded) {
    if (!options_.generate) return {};
    std::vector<std::string> items;
    for (const EncodedExample& example : encoded) items.push_back(examples_[example.index].id);
    GenerationOptions how;
    how.stop = stop_;
    how.vocabulary = backbone_.tokenizer.size();
    return batch.generate(how, items);
  }

  const Backbone& backbone_;
  const Category& category_;
  const std::vector<Example>& examples_;
  const EvaluationOptions& options_;
  std::vector<int32_t> stop_;
  double loss_ = 0;
  int64_t tokens_ = 0;
};

}  // namespace

size_t fitting_examples(const std::vector<EncodedExample>& encoded, size_t begin,
                        int64_t tokens_per_pass) {
  size_t end = begin;
  int64_t tokens = 0;
  while (end < encoded.size() && end - begin < kMostRows) {
    tokens += static_cast<int64_t>(encoded[end].prompt.size());
    if (tokens > tokens_per_pass && end > begin) break;
    ++end;
  }
  return end - begin;
}

Evaluation evaluate(const Backbone& backbone, const Category& category,
                    const std::vector<Example>& examples,
                    const std::vector<EncodedExample>& encoded, const EvaluationOptions& options) {
  Evaluation evaluation;
  Pass pass(backbone, category, examples, options);
  for (size_t begin = 0; begin < encoded.size();) {
    const size_t count = fitting_examples(encoded, begin, options.tokens_per_pass);
    pass.run(std::span(encoded).subspan(begin, count), evaluation);
    begin += count;
    if (options.progress) options.progress(static_cast<int64_t>(begin));
  }
  evaluation.target_loss = pass.mean_loss();
  evaluation.selection.name = kSelection;
  evaluation.selection.n = static_cast<int64_t>(encoded.size());
  if (options.generate) evaluation.generated = tally(kGenerated, evaluation.predictions, true);
  return evaluation;
}

}  // namespace telora
