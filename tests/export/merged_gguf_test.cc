#include "export/merged_gguf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backbone/checkpoint.h"
#include "backbone/torch.h"
#include "core/error.h"
#include "core/gguf.h"
#include "export/merged_weights.h"
#include "tests/export/tiny_adapter.h"
#include "tests/golden/model_files.h"
#include "tests/golden/scratch.h"

namespace telora {
namespace {

using golden::Scratch;
using testing::AllOf;
using testing::HasSubstr;

class MergedGguf : public testing::Test {
 protected:
  std::filesystem::path base(const DecoderSpec& spec, GgmlType type = GgmlType::kF32) const {
    golden::gguf_of(spec, golden::tiny_weights(spec), type).write(folder_ / "base.gguf");
    return folder_ / "base.gguf";
  }
  std::filesystem::path merged(const AdapterFile& adapter,
                               std::optional<GgmlType> type = {}) const {
    write_merged_gguf(folder_ / "merged.gguf", folder_ / "base.gguf", adapter, type,
                      {{"category", "teleqna"}});
    return folder_ / "merged.gguf";
  }
  Scratch folder_;
};

AdapterFile plain(const DecoderSpec& spec) {
  return tiny_adapter(spec, {.rank = 2, .alpha = 4, .target_regex = "all-linear"});
}

TEST_F(MergedGguf, ActsAsTheAdapterDoes) {
  for (const DecoderSpec& spec : tiny_families()) {
    SCOPED_TRACE(spec.architecture);
    base(spec);
    std::vector<AdapterFile> adapters = {tiny_dora(spec)};
    for (const LoraConfig& config : tiny_configs()) adapters.push_back(tiny_adapter(spec, config));
    for (const AdapterFile& adapter : adapters) {
      const at::Tensor wanted = tiny_logits(folder_ / "base.gguf", &adapter);
      EXPECT_LT(relative_error(tiny_logits(merged(adapter)), wanted), 1e-4);
      EXPECT_GT(relative_error(tiny_logits(folder_ / "base.gguf"), wanted), 1e-2);
    }
  }
}

// Files of 16 bits and fewer lose what their type loses; the base's own loss is no part of it.
TEST_F(MergedGguf, EveryTypeComesNear) {
  const DecoderSpec spec = golden::tiny_llama();
  base(spec);
  const AdapterFile adapter = plain(spec);
  const at::Tensor wanted = tiny_logits(folder_ / "base.gguf", &adapter);
  for (const auto& [type, tolerance] : {std::pair(GgmlType::kF16, 2e-3),
                                        {GgmlType::kBF16, 2e-2},
                                        {GgmlType::kQ8_0, 5e-2},
                                        {GgmlType::kQ5_1, 0.3},
                                        {GgmlType::kQ5_0, 0.3},
                                        {GgmlType::kQ4_1, 0.5},
                                        {GgmlType::kQ4_0, 0.5}}) {
    SCOPED_TRACE(ggml_type_info(type).name);
    const double error = relative_error(tiny_logits(merged(adapter, type)), wanted);
    EXPECT_LT(error, tolerance);
    const GgufFile file(folder_ / "merged.gguf");
    EXPECT_EQ(file.find("blk.0.attn_q.weight")->type, type);
    EXPECT_EQ(file.find("output_norm.weight")->type, GgmlType::kF32);
  }
}

TEST_F(MergedGguf, WhatIsNotChangedStaysByteForByte) {
  const DecoderSpec spec = golden::tiny_llama();
  base(spec, GgmlType::kQ4_1);
  merged(tiny_adapter(spec, {.rank = 2, .alpha = 4, .target_modules = {"q_proj"}}));
  const GgufFile before(folder_ / "base.gguf"), after(folder_ / "merged.gguf");
  ASSERT_EQ(before.tensors().size(), after.tensors().size());
  for (size_t i = 0; i < before.tensors().size(); ++i) {
    const GgufTensor &a = before.tensors()[i], &b = after.tensors()[i];
    EXPECT_EQ(a.name, b.name);
    EXPECT_EQ(a.type, b.type);
    std::vector<std::byte> first(a.bytes), second(b.bytes);
    before.read(a, 0, first);
    after.read(b, 0, second);
    EXPECT_EQ(first == second, a.name.find("attn_q") == std::string::npos) << a.name;
  }
  for (const std::string& key : before.keys()) EXPECT_EQ(before.encoded(key), after.encoded(key));
  EXPECT_EQ(after.string("telora.category"), "teleqna");
}

TEST_F(MergedGguf, AnotherModelsAdapterIsRefused) {
  DecoderSpec other = golden::tiny_llama();
  base(other);
  other.intermediate *= 2;
  try {
    merged(plain(other));
    FAIL() << "went through";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("gate_proj"), HasSubstr("another model")));
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "merged.gguf"));
}

TEST_F(MergedGguf, OverflowIsNamedAndNothingIsWritten) {
  const DecoderSpec spec = golden::tiny_llama();
  base(spec);
  AdapterFile adapter = plain(spec);
  adapter.modules[2].b.fill_(1e5);
  adapter.modules[2].a.fill_(1);
  try {
    merged(adapter, GgmlType::kF16);
    FAIL() << "went through";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("blk.0.attn_v.weight"), HasSubstr("element 0")));
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "merged.gguf"));
}

}  // namespace
}  // namespace telora
