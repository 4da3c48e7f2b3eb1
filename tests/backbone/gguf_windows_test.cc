// Which layers of a GGUF model see a window only. Numbers against llama.cpp: tests/reference.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backbone/spec_gguf.h"
#include "core/error.h"
#include "tests/golden/gguf_writer.h"
#include "tests/golden/scratch.h"

namespace telora {
namespace {

using golden::GgufWriter;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The sizes of a model; its tensors only have to be as many as its blocks.
GgufWriter sizes(const std::string& architecture, uint32_t layers) {
  GgufWriter writer;
  writer.set_string("general.architecture", architecture);
  const std::pair<const char*, uint32_t> counts[] = {
      {"block_count", layers},      {"context_length", 64},      {"embedding_length", 32},
      {"feed_forward_length", 48},  {"attention.head_count", 4}, {"attention.head_count_kv", 2},
      {"attention.key_length", 12}, {"vocab_size", 40}};
  for (const auto& [key, value] : counts) writer.set_u32(architecture + "." + key, value);
  writer.set_f32(architecture + ".rope.freq_base", 10000);
  writer.set_f32(architecture + ".attention.layer_norm_rms_epsilon", 1e-6F);
  for (uint32_t i = 0; i < layers; ++i) {
    writer.add_tensor(fmt::format("t{}", i), {1}, GgmlType::kF32, std::string(4, '\0'));
  }
  return writer;
}

DecoderSpec read(const GgufWriter& writer) {
  const golden::Scratch scratch;
  writer.write(scratch / "model.gguf");
  return read_gguf_spec(GgufFile(scratch / "model.gguf"));
}

std::string refusal(const GgufWriter& writer) {
  try {
    read(writer);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    return error.what();
  }
  ADD_FAILURE() << "accepted";
  return {};
}

TEST(GgufWindows, HybridExaone4ListsItsLocalLayers) {
  GgufWriter writer = sizes("exaone4", 4);
  writer.set_u32("exaone4.attention.sliding_window", 5);
  writer.set_bools("exaone4.attention.sliding_window_pattern", {true, true, false, true});
  const DecoderSpec spec = read(writer);
  EXPECT_THAT(spec.local_layers, ElementsAre(true, true, false, true));
  EXPECT_EQ(spec.sliding_window, 5);
  EXPECT_FALSE(spec.rope_in_full_layers);
  EXPECT_EQ(spec.local_rope_theta, 0);
}

TEST(GgufWindows, APatternMayBeAPeriod) {
  GgufWriter writer = sizes("exaone4", 5);
  writer.set_u32("exaone4.attention.sliding_window", 5);
  writer.set_u32("exaone4.attention.sliding_window_pattern", 2);
  EXPECT_THAT(read(writer).local_layers, ElementsAre(true, false, true, false, true));
}

TEST(GgufWindows, Exaone4WithoutAWindowRotatesEverywhere) {
  for (const bool zero : {false, true}) {
    GgufWriter writer = sizes("exaone4", 4);
    if (zero) writer.set_u32("exaone4.attention.sliding_window", 0);
    const DecoderSpec spec = read(writer);
    EXPECT_TRUE(spec.local_layers.empty() && spec.rope_in_full_layers && spec.sliding_window == 0);
  }
}

TEST(GgufWindows, Gemma3HasASixthLayerFullUnlessItSaysOtherwise) {
  GgufWriter writer = sizes("gemma3", 7);
  writer.set_u32("gemma3.attention.sliding_window", 5);
  EXPECT_THAT(read(writer).local_layers, ElementsAre(true, true, true, true, true, false, true));
  writer.set_bools("gemma3.attention.sliding_window_pattern",
                   {false, true, true, false, true, true, true});
  EXPECT_THAT(read(writer).local_layers, ElementsAre(false, true, true, false, true, true, true));
}

TEST(GgufWindows, TheLargestGemma3ScalesByItsWidth) {
  GgufWriter writer = sizes("gemma3", 62);
  writer.set_u32("gemma3.attention.sliding_window", 5);
  EXPECT_DOUBLE_EQ(read(writer).attention_scale, 1 / std::sqrt(8.0));  // 32 / 4, not key_length 12
  GgufWriter smaller = sizes("gemma3", 61);
  smaller.set_u32("gemma3.attention.sliding_window", 5);
  EXPECT_DOUBLE_EQ(read(smaller).attention_scale, 1 / std::sqrt(12.0));
}

TEST(GgufWindows, WhatCannotBeMeantIsRefused) {
  GgufWriter no_pattern = sizes("exaone4", 4);
  no_pattern.set_u32("exaone4.attention.sliding_window", 5);
  EXPECT_THAT(refusal(no_pattern), AllOf(HasSubstr("exaone4.attention.sliding_window_pattern"),
                                         HasSubstr("convert the model again")));
  GgufWriter no_window = sizes("exaone4", 2);
  no_window.set_bools("exaone4.attention.sliding_window_pattern", {true, false});
  EXPECT_THAT(refusal(no_window), HasSubstr("exaone4.attention.sliding_window_pattern"));
  GgufWriter short_pattern = sizes("gemma3", 4);
  short_pattern.set_u32("gemma3.attention.sliding_window", 5);
  short_pattern.set_bools("gemma3.attention.sliding_window_pattern", {true, false});
  EXPECT_THAT(refusal(short_pattern), AllOf(HasSubstr("gemma3.attention.sliding_window_pattern"),
                                            HasSubstr("2 truth values"), HasSubstr("4 layers")));
  GgufWriter other_base = sizes("exaone4", 2);
  other_base.set_u32("exaone4.attention.sliding_window", 5);
  other_base.set_bools("exaone4.attention.sliding_window_pattern", {true, false});
  other_base.set_f32("exaone4.rope.freq_base_swa", 500);
  EXPECT_THAT(refusal(other_base), HasSubstr("exaone4.rope.freq_base_swa"));
  GgufWriter llama = sizes("llama", 2);
  llama.set_u32("llama.attention.sliding_window_pattern", 2);
  EXPECT_THAT(refusal(llama), HasSubstr("llama.attention.sliding_window_pattern"));
}

}  // namespace
}  // namespace telora
