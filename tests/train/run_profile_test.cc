#include "train/run_profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/golden/tiny_models.h"
#include "tests/train/tiny_rows.h"
#include "train/run_profiler.h"

namespace telora {
namespace {

using testing::HasSubstr;

// Steps of one row each; the row of step i is row i.
RunProfile profile_of_steps(const std::vector<EncodedExample>& rows, size_t steps) {
  static const DecoderSpec spec = golden::tiny_llama();
  Profile profile;
  RunProfiler profiler(profile, default_recipe(), spec);
  for (size_t i = 0; i < steps; ++i) {
    profiler.on_batch({&rows[i]});
    profiler.on_step({.tokens = static_cast<int64_t>(10 * (i + 1)), .tokens_per_second = 5});
  }
  return profiler.result(100, {1e3, "float32"}, {});
}

TEST(RunProfiler, TheFirstTwoStepsAreLeftOutUnlessThereAreNoOthers) {
  const std::vector<EncodedExample> rows = tiny_rows(4);
  EXPECT_EQ(profile_of_steps(rows, 2).tokens, 10 + 20);
  const RunProfile profile = profile_of_steps(rows, 4);
  EXPECT_EQ(profile.tokens, 30 + 40);
  EXPECT_DOUBLE_EQ(profile.step_seconds, 70 / 5.0);
  const std::vector<const EncodedExample*> counted{&rows[2], &rows[3]};
  EXPECT_DOUBLE_EQ(profile.flops, training_flops(golden::tiny_llama(), 100,
                                                 count_work(counted, LossTokens::kAnswer, 0, 0)));
  EXPECT_DOUBLE_EQ(profile.share(), profile.flops / profile.step_seconds / 1e3);
  EXPECT_EQ(profile_of_steps(rows, 0).share(), 0);
}

TEST(RunProfiler, WhatRowsShareIsCountedOnce) {
  std::vector<EncodedExample> rows = tiny_rows(2);
  for (EncodedExample& row : rows) row.prompt.insert(row.prompt.begin(), {3, 1, 4, 1, 5});
  const DecoderSpec spec = golden::tiny_llama();
  Profile profile;
  RunProfiler profiler(profile, default_recipe(), spec);
  const std::vector<const EncodedExample*> batch{&rows[0], &rows[1]};
  profiler.on_batch(batch);
  profiler.on_step({.tokens = 20, .tokens_per_second = 5});
  const RunProfile result = profiler.result(100, {1e3, "float32"}, {});
  EXPECT_DOUBLE_EQ(result.flops_shared,
                   training_flops(spec, 100, count_work(batch, LossTokens::kAnswer, 5, 0)));
  EXPECT_LT(result.flops_shared, result.flops);
  EXPECT_THAT(render_profile(result), HasSubstr("counted once"));
}

TEST(RunProfile, TheLinesAddUp) {
  RunProfile profile;
  profile.seconds = 10;
  profile.parts = {{"train", 0, 3, 6.0}, {"forward", 1, 3, 4.0}, {"load", 0, 1, 1.0}};
  profile.memory = {.peak = 1'000'000'000,
                    .program = 100'000'000,
                    .weights = 300'000'000,
                    .adapters = 30'000'000,
                    .optimizers = 20'000'000};
  const std::string text = render_profile(profile);
  EXPECT_THAT(text, HasSubstr("  train                            6.00 s   60.0 %\n"));
  EXPECT_THAT(text, HasSubstr("    forward                        4.00 s   40.0 %\n"));
  EXPECT_THAT(text, HasSubstr("  other                            3.00 s   30.0 %\n"));
  EXPECT_THAT(text, HasSubstr("1.00 GB at most: weights 300 MB, activations and buffers 550 MB"));
  EXPECT_THAT(text, HasSubstr("no step was made"));
  EXPECT_EQ(seconds_of(profile.parts, "forward"), 4.0);
  EXPECT_EQ(seconds_of(profile.parts, "backward"), 0.0);
}

TEST(GemmRate, IsThatOfTheFasterType) {
  const GemmRate single = measure_gemm_rate(at::kFloat), either = measure_gemm_rate(at::kBFloat16);
  EXPECT_EQ(single.type, "float32");
  EXPECT_GT(single.flops, 1e9);
  EXPECT_TRUE(either.type == "float32" || either.type == "bfloat16");
}

}  // namespace
}  // namespace telora
