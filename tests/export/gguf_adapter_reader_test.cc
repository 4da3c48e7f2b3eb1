#include "export/gguf_adapter_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/lora_config.h"
#include "backbone/torch.h"
#include "core/error.h"
#include "core/gguf_writer.h"
#include "export/gguf_adapter.h"
#include "tests/export/tiny_adapter.h"
#include "tests/golden/scratch.h"
#include "tests/golden/tiny_models.h"

namespace telora {
namespace {

using golden::Scratch;
using testing::AllOf;
using testing::HasSubstr;

at::Tensor change(const AdapterFile& adapter, const LoraTensors& pair) {
  return pair.b.mm(pair.a) * lora_scale(adapter.config, pair.module);
}

void expect_same(const AdapterFile& read, const AdapterFile& written) {
  ASSERT_EQ(read.modules.size(), written.modules.size());
  for (size_t i = 0; i < read.modules.size(); ++i) {
    EXPECT_EQ(read.modules[i].module, written.modules[i].module);
    EXPECT_EQ(lora_scale(read.config, read.modules[i].module), 1);
    EXPECT_TRUE(at::allclose(change(read, read.modules[i]), change(written, written.modules[i]),
                             1e-5, 1e-6));
  }
}

class GgufAdapterReader : public testing::Test {
 protected:
  std::filesystem::path file() const { return folder_ / "a.gguf"; }
  void expect_refused(const DecoderSpec& spec, const std::vector<const char*>& parts) const {
    try {
      read_gguf_adapter(file(), spec);
      ADD_FAILURE() << "read: " << parts[0];
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kData);
      for (const char* part : parts) EXPECT_THAT(error.what(), HasSubstr(part));
    }
  }
  // A hand-made adapter with these tensors of [2, 2] ones.
  void write(const std::vector<std::string>& tensors, const char* architecture = "llama") const {
    GgufMetadata metadata;
    metadata.set_string("general.architecture", architecture);
    metadata.set_string("general.type", "adapter");
    metadata.set_string("adapter.type", "lora");
    std::vector<GgufTensorPlan> plans;
    for (const std::string& name : tensors) plans.push_back({name, {2, 2}, GgmlType::kF32});
    const std::vector<float> ones(4, 1);
    write_gguf(file(), metadata, plans,
               [&](size_t, TensorSink& sink) { sink.append(std::as_bytes(std::span(ones))); });
  }
  Scratch folder_;
};

TEST_F(GgufAdapterReader, ReadsWhatWasWritten) {
  for (const DecoderSpec& spec : tiny_families()) {
    SCOPED_TRACE(spec.architecture);
    for (const LoraConfig& config : tiny_configs()) {
      const AdapterFile adapter = tiny_adapter(spec, config);
      write_gguf_adapter(file(), adapter, spec, GgmlType::kF32, {{"category", "teleqna"}});
      const AdapterFile read = read_gguf_adapter(file(), spec);
      expect_same(read, adapter);
      EXPECT_EQ(read.metadata.at("category"), "teleqna");
    }
  }
}

TEST_F(GgufAdapterReader, AFusedMlpIsOneModuleAgain) {
  DecoderSpec spec = golden::tiny_granite();
  spec.architecture = "granitemoehybrid";
  spec.fused_mlp = true;
  const AdapterFile adapter =
      tiny_adapter(spec, {.rank = 2, .alpha = 4, .target_regex = "all-linear"});
  write_gguf_adapter(file(), adapter, spec, GgmlType::kF32, {});
  expect_same(read_gguf_adapter(file(), spec), adapter);
}

TEST_F(GgufAdapterReader, WhatDoesNotBelongTogetherIsRefused) {
  const DecoderSpec spec = golden::tiny_llama();
  write({"blk.0.attn_q.weight.lora_a"});
  expect_refused(spec, {"blk.0.attn_q.weight", "lora_a alone"});
  write({"blk.0.attn_q.weight.lora_a", "blk.0.attn_q.weight.lora_b"});
  expect_refused(spec, {"self_attn.q_proj", "[2, 2]", "[32, 32]"});
  write({"blk.9.attn_q.weight.lora_a", "output.weight.lora_a"});
  expect_refused(spec, {"blk.9.attn_q.weight.lora_a, output.weight.lora_a"});
  write({}, "qwen2");
  expect_refused(spec, {"general.architecture", "qwen2", "llama"});
}

}  // namespace
}  // namespace telora
