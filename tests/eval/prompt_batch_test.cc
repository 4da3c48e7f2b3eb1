// Generated answers of batches against the plain way: the whole row anew for every token.
#include "eval/prompt_batch.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "backbone/torch.h"
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

std::vector<int32_t> plain(const Decoder& decoder, std::vector<int32_t> row,
                           const GenerationOptions& options, const std::string& item) {
  const at::NoGradGuard no_gradient;
  RandomStream random = item_stream(options.seed, item);
  std::vector<int32_t> output;
  while (static_cast<int64_t>(output.size()) < kNewTokens) {
    const at::Tensor hidden = decoder.hidden(pack_rows({&row, 1}), {});
    const at::Tensor logits = decoder.logits(hidden.narrow(0, hidden.size(0) - 1, 1)).contiguous();
    const auto usable = options.vocabulary > 0 ? options.vocabulary : logits.size(1);
    const int32_t id = choose_token({logits.data_ptr<float>(), static_cast<size_t>(usable)},
                                    options.sampling, random);
    if (std::ranges::find(options.stop, id) != options.stop.end()) break;
    output.push_back(id);
    row.push_back(id);
  }
  return output;
}

void expect_plain(const Decoder& decoder, const GenerationOptions& options) {
  const std::vector<EncodedExample> examples = prompts(kRows);
  PromptBatch batch(decoder, examples, kNewTokens);
  const std::vector<Continuation> outputs = batch.generate(options, kItems);
  for (size_t i = 0; i < kRows.size(); ++i) {
    EXPECT_EQ(outputs[i].ids, plain(decoder, kRows[i], options, kItems[i])) << "row " << i;
    EXPECT_EQ(outputs[i].stopped, outputs[i].ids.size() < kNewTokens);
  }
}

struct Family {
  const char* name;
  DecoderSpec (*spec)();
};

class Generation : public testing::TestWithParam<Family> {};

TEST_P(Generation, GreedyEqualsReadingTheWholeRowEachTime) {
  expect_plain(make(GetParam().spec()), {});
}

TEST_P(Generation, SampledEqualsReadingTheWholeRowEachTime) {
  GenerationOptions options;
  options.sampling = {.temperature = 0.9, .top_p = 0.8};
  options.seed = 7;
  expect_plain(make(GetParam().spec()), options);
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
  GenerationOptions options;
  const std::vector<int32_t> whole = plain(decoder, kRows[0], options, "a");
  ASSERT_GE(whole.size(), 4U);
  const std::vector<int32_t> stop = {whole[3], 39};
  options.stop = stop;
  expect_plain(decoder, options);
  const std::vector<EncodedExample> examples = prompts(kRows);
  const auto outputs = PromptBatch(decoder, examples, kNewTokens).generate(options, kItems);
  EXPECT_TRUE(outputs[0].stopped);
  EXPECT_LE(outputs[0].ids.size(), 3U);
}

TEST(GenerationOptions, IdsBehindTheVocabularyAreNeverProduced) {
  const Decoder decoder = make(golden::tiny_llama());
  GenerationOptions options;
  options.sampling = {.temperature = 50, .top_p = 1};  // nearly uniform
  options.vocabulary = 5;
  expect_plain(decoder, options);
  const std::vector<EncodedExample> examples = prompts(kRows);
  for (const auto& output : PromptBatch(decoder, examples, 64).generate(options, kItems)) {
    EXPECT_LT(*std::ranges::max_element(output.ids), 5);
  }
}

TEST(GenerationOptions, AnotherSeedIsAnotherSampleAndTheSameSeedTheSame) {
  const Decoder decoder = make(golden::tiny_llama());
  const std::vector<EncodedExample> examples = prompts(kRows);
  PromptBatch batch(decoder, examples, kNewTokens);
  GenerationOptions options;
  options.sampling = {.temperature = 1.5, .top_p = 1};
  const auto ids = [&](uint64_t seed) {
    options.seed = seed;
    std::vector<std::vector<int32_t>> all;
    for (const Continuation& output : batch.generate(options, kItems)) all.push_back(output.ids);
    return all;
  };
  const auto first = ids(1);
  EXPECT_NE(ids(2), first);
  EXPECT_EQ(ids(1), first);
}

// What a row says does not depend on what stands beside it.
TEST(GenerationOptions, ARowAloneSaysWhatItSaysInABatch) {
  const Decoder decoder = make(golden::tiny_qwen3());
  GenerationOptions options;
  options.sampling = {.temperature = 1, .top_p = 0.9};
  const std::vector<EncodedExample> all = prompts(kRows);
  const auto together = PromptBatch(decoder, all, kNewTokens).generate(options, kItems);
  for (size_t i = 0; i < all.size(); ++i) {
    const std::span one(&all[i], 1);
    const auto alone = PromptBatch(decoder, one, kNewTokens).generate(options, {&kItems[i], 1});
    EXPECT_EQ(alone[0].ids, together[i].ids);
  }
}

}  // namespace
}  // namespace telora
