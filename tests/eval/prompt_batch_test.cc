// Generated answers of batches against the plain way: the whole row anew for every token.
#include "eval/prompt_batch.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "backbone/torch.h"
#include "core/error.h"
#include "tests/golden/tiny_models.h"

namespace telora {
namespace {

constexpr int64_t kNewTokens = 12;

Decoder make(const DecoderSpec& spec) {
  const golden::Tensors weights = golden::tiny_weights(spec);
  return {spec, {weights.begin(), weights.end()}, at::kFloat};
}

std::vector<EncodedExample> prompts(const std::vector<std::vector<int32_t>>& rows) {
  std::vector<EncodedExample> examples(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) examples[i].prompt = rows[i];
  return examples;
}

// Unequal lengths, the first two with a common beginning.
const std::vector<std::vector<int32_t>> kRows = {
    {3, 17, 5, 29, 11, 2, 8}, {3, 17, 5, 30}, {7}, {21, 22, 23, 24, 25, 26, 27, 28, 1, 2, 3}};
const std::vector<std::string> kItems = {"a", "b", "c", "d"};

// How the tests ask for answers.
struct Way {
  std::vector<int32_t> stop = {};
  int64_t vocabulary = 0;
  Sampling sampling = {};
  uint64_t seed = 42;

  GenerationOptions options() const { return {stop, vocabulary, kNewTokens}; }
  // Sample `sample` of row `row`.
  AnswerRequest request(size_t row, uint64_t sample = 0) const {
    return {row, sampling, item_stream(seed, kItems[row], sample)};
  }
};

std::vector<int32_t> plain(const Decoder& decoder, std::vector<int32_t> row, const Way& way,
                           AnswerRequest request) {
  const at::NoGradGuard no_gradient;
  std::vector<int32_t> output;
  while (static_cast<int64_t>(output.size()) < kNewTokens) {
    const at::Tensor hidden = decoder.hidden(pack_rows({&row, 1}), {});
    const at::Tensor logits = decoder.logits(hidden.narrow(0, hidden.size(0) - 1, 1)).contiguous();
    const auto usable = way.vocabulary > 0 ? way.vocabulary : logits.size(1);
    const int32_t id = choose_token({logits.data_ptr<float>(), static_cast<size_t>(usable)},
                                    request.sampling, request.random);
    if (std::ranges::find(way.stop, id) != way.stop.end()) break;
    output.push_back(id);
    row.push_back(id);
  }
  return output;
}

// Answers to `rows`, made in one batch.
std::vector<Continuation> together(const Decoder& decoder, const Way& way,
                                   std::vector<AnswerRequest> requests) {
  const std::vector<EncodedExample> examples = prompts(kRows);
  PromptBatch batch(decoder, PromptBatch::rows_of(examples), std::ssize(requests) * kNewTokens);
  return batch.generate(way.options(), std::move(requests));
}

std::vector<AnswerRequest> one_each(const Way& way) {
  std::vector<AnswerRequest> requests;
  for (size_t i = 0; i < kRows.size(); ++i) requests.push_back(way.request(i));
  return requests;
}

void expect_plain(const Decoder& decoder, const Way& way, std::vector<AnswerRequest> requests) {
  const std::vector<Continuation> outputs = together(decoder, way, requests);
  ASSERT_EQ(outputs.size(), requests.size());
  for (size_t i = 0; i < requests.size(); ++i) {
    const std::vector<int32_t>& row = kRows[requests[i].prompt];
    EXPECT_EQ(outputs[i].ids, plain(decoder, row, way, requests[i])) << "request " << i;
    EXPECT_EQ(outputs[i].stopped, outputs[i].ids.size() < kNewTokens);
  }
}

struct Family {
  const char* name;
  DecoderSpec (*spec)();
};

class Generation : public testing::TestWithParam<Family> {};

TEST_P(Generation, GreedyEqualsReadingTheWholeRowEachTime) {
  expect_plain(make(GetParam().spec()), {}, one_each({}));
}

TEST_P(Generation, SampledEqualsReadingTheWholeRowEachTime) {
  const Way way{.sampling = {.temperature = 0.9, .top_p = 0.8}, .seed = 7};
  expect_plain(make(GetParam().spec()), way, one_each(way));
}

// A greedy answer and samples of one prompt: some agree for a while before they part.
TEST_P(Generation, SamplesThatShareAPromptEqualReadingTheWholeRowEachTime) {
  const Way way{.sampling = {.temperature = 0.4, .top_p = 1}, .seed = 7};
  std::vector<AnswerRequest> requests;
  for (size_t row = 0; row < kRows.size(); ++row) {
    requests.push_back({.prompt = row});
    for (uint64_t sample = 0; sample < 5; ++sample) requests.push_back(way.request(row, sample));
  }
  expect_plain(make(GetParam().spec()), way, requests);
}

// Gemma 3's five windowed blocks see four tokens, fewer than the rows have.
INSTANTIATE_TEST_SUITE_P(
    Families, Generation,
    testing::Values(Family{"llama", golden::tiny_llama}, Family{"qwen2", golden::tiny_qwen2},
                    Family{"qwen3", golden::tiny_qwen3}, Family{"exaone4", golden::tiny_exaone4},
                    Family{"granite", golden::tiny_granite}, Family{"olmo2", golden::tiny_olmo2},
                    Family{"gemma3", golden::tiny_gemma3}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(GenerationOptions, AnyStopTokenEndsAnAnswer) {
  const Decoder decoder = make(golden::tiny_llama());
  Way way;
  const std::vector<int32_t> whole = plain(decoder, kRows[0], way, way.request(0));
  ASSERT_GE(whole.size(), 4U);
  way.stop = {whole[3], 39};
  expect_plain(decoder, way, one_each(way));
  const auto outputs = together(decoder, way, one_each(way));
  EXPECT_TRUE(outputs[0].stopped);
  EXPECT_LE(outputs[0].ids.size(), 3U);
}

TEST(GenerationOptions, IdsBehindTheVocabularyAreNeverProduced) {
  const Decoder decoder = make(golden::tiny_llama());
  const Way way{.vocabulary = 5, .sampling = {.temperature = 50, .top_p = 1}};  // nearly uniform
  expect_plain(decoder, way, one_each(way));
  for (const auto& output : together(decoder, way, one_each(way))) {
    EXPECT_LT(*std::ranges::max_element(output.ids), 5);
  }
}

TEST(GenerationOptions, AnotherSeedIsAnotherSampleAndTheSameSeedTheSame) {
  const Decoder decoder = make(golden::tiny_llama());
  const std::vector<EncodedExample> examples = prompts(kRows);
  PromptBatch batch(decoder, PromptBatch::rows_of(examples), kNewTokens);
  Way way{.sampling = {.temperature = 1.5, .top_p = 1}};
  const auto ids = [&](uint64_t seed) {
    way.seed = seed;
    std::vector<std::vector<int32_t>> all;
    for (const auto& output : batch.generate(way.options(), one_each(way)))
      all.push_back(output.ids);
    return all;
  };
  const auto first = ids(1);
  EXPECT_NE(ids(2), first);
  EXPECT_EQ(ids(1), first);
}

// Options that begin alike, and a target that ends a turn.
EncodedExample with_candidates(std::vector<int32_t> prompt) {
  EncodedExample example;
  example.prompt = std::move(prompt);
  example.completions = {{8, 9}, {8, 10}, {8, 9, 11}};
  example.target = {8, 10, 2};
  return example;
}

// However many passes read the prompts, and whether these begin alike or not.
TEST(PromptBatch, ReadsInAnyNumberOfPasses) {
  const Decoder decoder = make(golden::tiny_gemma3());
  for (const int32_t first : {3, 4}) {
    const std::vector<EncodedExample> examples = {
        with_candidates({3, 17, 5, 29, 11, 2, 8}), with_candidates({first, 17, 5, 30}),
        with_candidates({first, 17, 5, 21, 22, 23, 24, 25, 26}), with_candidates({first, 17, 6})};
    PromptBatch whole(decoder, PromptBatch::rows_of(examples), kNewTokens, 1000);
    const auto scores = whole.score_candidates();
    const auto answers = whole.generate(Way{}.options(), one_each({}));
    for (const int64_t tokens_per_pass : {1, 5, 8, 12}) {
      PromptBatch cut(decoder, PromptBatch::rows_of(examples), kNewTokens, tokens_per_pass);
      const auto again = cut.score_candidates();
      const auto said = cut.generate(Way{}.options(), one_each({}));
      for (size_t i = 0; i < examples.size(); ++i) {
        EXPECT_EQ(said[i].ids, answers[i].ids);
        EXPECT_NEAR(again[i].target, scores[i].target, 1e-4);
        for (size_t k = 0; k < 3; ++k) {
          EXPECT_NEAR(again[i].options[k], scores[i].options[k], 1e-4);
        }
      }
    }
  }
}

TEST(GenerationOptions, MoreAnswersThanThereIsRoomForAreRefused) {
  const Decoder decoder = make(golden::tiny_llama());
  const std::vector<EncodedExample> examples = prompts(kRows);
  PromptBatch batch(decoder, PromptBatch::rows_of(examples), kNewTokens);
  std::vector<AnswerRequest> requests = one_each({});
  requests.push_back({.prompt = 0});
  EXPECT_THROW(batch.generate(Way{}.options(), requests), Error);
}

// What a row says does not depend on what stands beside it.
TEST(GenerationOptions, ARowAloneSaysWhatItSaysInABatch) {
  const Decoder decoder = make(golden::tiny_qwen3());
  const Way way{.sampling = {.temperature = 1, .top_p = 0.9}};
  const auto all = together(decoder, way, one_each(way));
  for (size_t i = 0; i < kRows.size(); ++i) {
    const auto alone = together(decoder, way, {way.request(i)});
    EXPECT_EQ(alone[0].ids, all[i].ids);
  }
}

// Nor does a sample depend on how many others are drawn, for its prompt or for another.
TEST(GenerationOptions, ASampleDependsOnSeedItemAndItsNumberAlone) {
  const Decoder decoder = make(golden::tiny_qwen3());
  const Way way{.sampling = {.temperature = 0.8, .top_p = 1}};
  std::vector<AnswerRequest> many = {{.prompt = 3}, way.request(2, 1)};
  for (uint64_t sample = 0; sample < 6; ++sample) many.push_back(way.request(1, sample));
  const auto outputs = together(decoder, way, many);
  for (const uint64_t sample : {0U, 3U, 5U}) {
    const auto alone = together(decoder, way, {way.request(1, sample)});
    EXPECT_EQ(alone[0].ids, outputs[2 + sample].ids) << sample;
  }
}

}  // namespace
}  // namespace telora
