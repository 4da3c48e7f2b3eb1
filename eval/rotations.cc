#include "eval/rotations.h"

#include <algorithm>
#include <span>
#include <utility>

#include "backbone/parallel.h"
#include "core/error.h"
#include "data/answer_parser.h"
#include "data/option_rotation.h"
#include "data/prompt.h"
#include "eval/encode.h"
#include "eval/prompt_batch.h"

namespace telora {

namespace {

// One question in one other order.
struct Asked {
  size_t row = 0;  // of the predictions
  size_t shift = 0;
  Example example;
};

// All orders of all questions, in the order of the predictions.
std::vector<Asked> all_orders(const std::vector<Example>& examples,
                              const std::vector<EncodedExample>& encoded) {
  std::vector<Asked> all;
  for (size_t row = 0; row < encoded.size(); ++row) {
    const Example& example = examples[encoded[row].index];
    for (size_t shift = 1; shift < rotation_count(example.options); ++shift)
      all.push_back({row, shift, rotate_options(example, shift)});
  }
  return all;
}

std::vector<EncodedExample> encode_all(const ExampleEncoder& encoder,
                                       const std::vector<Asked>& asked) {
  std::vector<EncodedExample> encoded(asked.size());
  parallel_for(0, std::ssize(asked), 16, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i)
      encoded[i] = encoder.encode(asked[i].example, i);
  });
  return encoded;
}

class RotationPass {
 public:
  RotationPass(const Backbone& backbone, const Category& category,
               const std::vector<Example>& examples, const std::vector<EncodedExample>& originals,
               const EvaluationOptions& options, std::vector<Evaluation>& evaluations)
      : backbone_(backbone),
        category_(category),
        examples_(examples),
        originals_(originals),
        options_(options),
        evaluations_(evaluations),
        stop_(backbone.tokenizer.end_of_turn_ids()) {}

  void run(std::span<const Asked> asked, std::span<const EncodedExample> encoded) {
    const size_t subjects = evaluations_.size();
    PromptBatch batch(backbone_.decoder, PromptBatch::rows_of(encoded, subjects),
                      options_.generate ? options_.max_new_tokens : 0);
    std::vector<Rotation> made(subjects * encoded.size());
    for (size_t i = 0; i < made.size(); ++i)
      made[i].shift = static_cast<int64_t>(asked[i % encoded.size()].shift);
    if (options_.selection) select(batch, asked, made);
    if (options_.generate) generate(batch, asked, made);
    for (size_t i = 0; i < made.size(); ++i) {
      Evaluation& evaluation = evaluations_[i / encoded.size()];
      evaluation.predictions[asked[i % encoded.size()].row].rotations.push_back(std::move(made[i]));
    }
  }

 private:
  // The letter, in the question as it is, of what stands at `place` in this order.
  std::string original_letter(const Asked& asked, size_t place) const {
    const Example& original = examples_[originals_[asked.row].index];
    return option_letter(rotated_places(original.options, asked.shift).at(place));
  }

  void select(PromptBatch& batch, std::span<const Asked> asked, std::vector<Rotation>& made) {
    const std::vector<CandidateScores> scores = batch.score_candidates();
    for (size_t i = 0; i < made.size(); ++i) {
      const std::vector<double>& options = scores[i].options;
      const auto place = static_cast<size_t>(std::ranges::max_element(options) - options.begin());
      made[i].selected = original_letter(asked[i % asked.size()], place);
    }
  }

  void generate(PromptBatch& batch, std::span<const Asked> asked, std::vector<Rotation>& made) {
    std::vector<AnswerRequest> requests(made.size());
    for (size_t i = 0; i < made.size(); ++i) requests[i].prompt = i;
    const std::vector<Continuation> answers = batch.generate(
        {stop_, backbone_.tokenizer.size(), options_.max_new_tokens}, std::move(requests));
    for (size_t i = 0; i < made.size(); ++i) {
      const Asked& one = asked[i % asked.size()];
      made[i].output = backbone_.tokenizer.decode(answers[i].ids);
      const auto place = parse_answer(category_.parser, *made[i].output, one.example.options);
      if (place) made[i].predicted = original_letter(one, *place);
    }
  }

  const Backbone& backbone_;
  const Category& category_;
  const std::vector<Example>& examples_;
  const std::vector<EncodedExample>& originals_;
  const EvaluationOptions& options_;
  std::vector<Evaluation>& evaluations_;
  std::vector<int32_t> stop_;
};

}  // namespace

int64_t rotated_questions(const std::vector<Example>& examples, const std::vector<size_t>& rows) {
  int64_t count = 0;
  for (const size_t row : rows) {
    count += static_cast<int64_t>(rotation_count(examples[row].options)) - 1;
  }
  return count;
}

void add_rotations(const Backbone& backbone, const Category& category,
                   const std::vector<Example>& examples, const std::vector<EncodedExample>& encoded,
                   const EvaluationOptions& options, std::vector<Evaluation>& evaluations) {
  if (category.kind != TaskKind::kLetters) {
    fail(ErrorKind::kUsage, {"--rotate", ""}, category.name,
         "a category whose questions have lettered options");
  }
  const std::vector<Asked> asked = all_orders(examples, encoded);
  const std::vector<EncodedExample> rows =
      encode_all(ExampleEncoder(category, backbone, category.max_length), asked);
  RotationPass pass(backbone, category, examples, encoded, options, evaluations);
  for (size_t begin = 0; begin < rows.size();) {
    const size_t answers = options.generate ? evaluations.size() : 0;
    const size_t count =
        fitting_examples(rows, begin, {options.tokens_per_pass, answers, options.max_new_tokens});
    pass.run(std::span(asked).subspan(begin, count), std::span(rows).subspan(begin, count));
    begin += count;
    if (options.progress) options.progress(std::ssize(encoded) + static_cast<int64_t>(begin));
  }
}

}  // namespace telora
