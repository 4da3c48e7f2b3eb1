#include "eval/evaluate.h"

#include <algorithm>
#include <span>
#include <utility>

#include "core/resources.h"
#include "eval/fill_prediction.h"
#include "eval/prompt_batch.h"
#include "eval/rotations.h"

namespace telora {

namespace {

constexpr int64_t kMostRows = 256;  // of one pass: bounds the logits [rows, V] held at once
constexpr int64_t kMostAnswerSlots = 16384;  // of the cache, for answers of one pass
static_assert(kMostSamples < kMostRows);

// Adds one pass's worth of questions to the evaluations, one for each adapter that is attached.
class Pass {
 public:
  Pass(const Backbone& backbone, const Category& category, const std::vector<Example>& examples,
       const EvaluationOptions& options, std::vector<Evaluation>& evaluations)
      : backbone_(backbone),
        category_(category),
        examples_(examples),
        options_(options),
        evaluations_(evaluations),
        stop_(backbone.tokenizer.end_of_turn_ids()),
        sums_(evaluations.size()) {}

  void run(std::span<const EncodedExample> encoded) {
    PromptBatch batch(backbone_.decoder, PromptBatch::rows_of(encoded, evaluations_.size()),
                      answers_each() * options_.max_new_tokens);
    std::vector<std::span<Prediction>> made;
    for (Evaluation& evaluation : evaluations_) {
      const size_t first = evaluation.predictions.size();
      for (const EncodedExample& one : encoded) {
        evaluation.predictions.push_back(described(category_, examples_[one.index], options_));
      }
      made.push_back(std::span(evaluation.predictions).subspan(first));
    }
    if (options_.selection) select(batch, encoded, made);
    if (options_.generate) generate(batch, encoded, made);
  }

  double mean_loss(size_t subject) const {
    const LossSum& sum = sums_[subject];
    return sum.tokens == 0 ? 0 : sum.loss / static_cast<double>(sum.tokens);
  }

  // Answers to one prompt: a greedy one and the samples.
  int64_t answers_each() const { return options_.generate ? 1 + options_.majority.samples : 0; }

 private:
  struct LossSum {
    double loss = 0;
    int64_t tokens = 0;
  };
  using Made = std::vector<std::span<Prediction>>;

  void select(PromptBatch& batch, std::span<const EncodedExample> encoded, const Made& made) {
    const std::vector<CandidateScores> all = batch.score_candidates();
    auto scores = all.begin();
    for (size_t subject = 0; subject < made.size(); ++subject) {
      for (size_t i = 0; i < encoded.size(); ++i, ++scores) {
        add_selection(made[subject][i], category_, examples_[encoded[i].index], *scores);
        sums_[subject].loss -= scores->target;
        sums_[subject].tokens += scores->target_tokens;
      }
    }
  }

  void generate(PromptBatch& batch, std::span<const EncodedExample> encoded, const Made& made) {
    const GenerationOptions how = {stop_, backbone_.tokenizer.size(), options_.max_new_tokens};
    const std::vector<Continuation> answers = batch.generate(how, requests(encoded, made.size()));
    auto answer = answers.begin();
    for (const std::span<Prediction>& predictions : made) {
      for (size_t i = 0; i < encoded.size(); ++i) {
        const Example& example = examples_[encoded[i].index];
        add_output(predictions[i], category_, example, text(*answer++));
        if (options_.majority.samples == 0) continue;
        std::vector<std::string> outputs;
        for (int64_t k = 0; k < options_.majority.samples; ++k) outputs.push_back(text(*answer++));
        add_samples(predictions[i], category_, example, std::move(outputs));
      }
    }
  }

  // A prompt's greedy answer, then its samples.
  std::vector<AnswerRequest> requests(std::span<const EncodedExample> encoded,
                                      size_t subjects) const {
    const MajoritySettings& vote = options_.majority;
    std::vector<AnswerRequest> all;
    for (size_t i = 0; i < subjects * encoded.size(); ++i) {
      all.push_back({.prompt = i});
      const std::string& item = examples_[encoded[i % encoded.size()].index].id;
      for (int64_t k = 0; k < vote.samples; ++k) {
        all.push_back({i, vote.sampling, item_stream(vote.seed, item, static_cast<uint64_t>(k))});
      }
    }
    return all;
  }

  std::string text(const Continuation& answer) const {
    return backbone_.tokenizer.decode(answer.ids);
  }

  const Backbone& backbone_;
  const Category& category_;
  const std::vector<Example>& examples_;
  const EvaluationOptions& options_;
  std::vector<Evaluation>& evaluations_;
  std::vector<int32_t> stop_;
  std::vector<LossSum> sums_;  // one an evaluation
};

}  // namespace

size_t fitting_examples(const std::vector<EncodedExample>& encoded, size_t begin,
                        const PassLimits& limits) {
  const auto answers = static_cast<int64_t>(std::max<size_t>(limits.answers, 1));
  const int64_t slots = std::max<int64_t>(answers * limits.new_tokens, 1);  // of one question
  const int64_t most =
      std::max<int64_t>(1, std::min(kMostRows / answers, kMostAnswerSlots / slots));
  size_t end = begin;
  int64_t tokens = 0;
  while (end < encoded.size() && std::cmp_less(end - begin, most)) {
    tokens += std::ssize(encoded[end].prompt);
    if (tokens > limits.tokens && end > begin) break;
    ++end;
  }
  return end - begin;
}

Evaluation evaluate(const Backbone& backbone, const Category& category,
                    const std::vector<Example>& examples,
                    const std::vector<EncodedExample>& encoded, const EvaluationOptions& options) {
  return std::move(evaluate_attached(backbone, category, examples, encoded, options, 1).front());
}

std::vector<Evaluation> evaluate_attached(const Backbone& backbone, const Category& category,
                                          const std::vector<Example>& examples,
                                          const std::vector<EncodedExample>& encoded,
                                          const EvaluationOptions& options, size_t subjects) {
  check_sampling(options.majority.sampling);
  const Stopwatch watch;
  std::vector<Evaluation> evaluations(subjects);
  Pass pass(backbone, category, examples, options, evaluations);
  for (size_t begin = 0; begin < encoded.size();) {
    const auto answers = static_cast<size_t>(pass.answers_each()) * subjects;
    const size_t count = fitting_examples(
        encoded, begin, {options.tokens_per_pass, answers, options.max_new_tokens});
    pass.run(std::span(encoded).subspan(begin, count));
    begin += count;
    if (options.progress) options.progress(static_cast<int64_t>(begin));
  }
  if (options.rotate) add_rotations(backbone, category, examples, encoded, options, evaluations);
  for (size_t i = 0; i < subjects; ++i) {
    evaluations[i].target_loss = pass.mean_loss(i);
    evaluations[i].seconds = watch.seconds() / static_cast<double>(subjects);
  }
  return evaluations;
}

}  // namespace telora
