// Questions answered by a decoder on another device: scores and answers are those of the CPU.
#include "tests/golden/other_device.h"

#include <gtest/gtest.h>

#include "backbone/torch.h"
#include "eval/prompt_batch.h"
#include "tests/golden/tiny_models.h"

namespace telora {
namespace {

Decoder make(at::Device device) {
  const DecoderSpec spec = golden::tiny_gemma3();
  const golden::Tensors weights = golden::tiny_weights(spec);
  return {spec, {weights.begin(), weights.end()}, at::kFloat, device};
}

std::vector<EncodedExample> questions() {
  std::vector<EncodedExample> examples(3);
  for (size_t i = 0; i < examples.size(); ++i) {
    examples[i].prompt = {3, 17, 5, static_cast<int32_t>(20 + i), 9};
    examples[i].prompt.resize(5 + i, 7);
    examples[i].completions = {{1, 4}, {1, 6, 8}};
    examples[i].target = {1, 6, 2};
  }
  return examples;
}

TEST(AnswersElsewhere, AreThoseOfTheCpu) {
  const std::vector<EncodedExample> examples = questions();
  const Decoder here = make(at::kCPU), there = make(golden::other_device());
  PromptBatch cpu(here, PromptBatch::rows_of(examples), 12),
      other(there, PromptBatch::rows_of(examples), 12);
  const auto expected = cpu.score_candidates(), scores = other.score_candidates();
  for (size_t i = 0; i < examples.size(); ++i) {
    EXPECT_NEAR(scores[i].target, expected[i].target, 1e-4);
    for (size_t j = 0; j < 2; ++j) EXPECT_NEAR(scores[i].options[j], expected[i].options[j], 1e-4);
  }
  // Two answers to each, a greedy and a drawn one, so that slots are copied where they part.
  std::vector<AnswerRequest> requests;
  for (size_t i = 0; i < examples.size(); ++i) {
    requests.push_back({.prompt = i});
    requests.push_back(
        {.prompt = i, .sampling = {.temperature = 2}, .random = item_stream(7, std::to_string(i))});
  }
  const GenerationOptions options{.max_new_tokens = 6};
  const auto answers = cpu.generate(options, requests),
             answers_there = other.generate(options, requests);
  ASSERT_EQ(answers.size(), requests.size());
  for (size_t i = 0; i < answers.size(); ++i) EXPECT_EQ(answers_there[i].ids, answers[i].ids);
}

}  // namespace
}  // namespace telora
