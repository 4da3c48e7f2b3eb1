// Every kind of export is found good, and every planted fault is found by name.
#include "export/verify_changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "backbone/torch.h"
#include "core/error.h"
#include "core/files.h"
#include "export/gguf_adapter.h"
#include "export/merged_folder.h"
#include "export/merged_gguf.h"
#include "tests/export/tiny_adapter.h"
#include "tests/golden/model_files.h"
#include "tests/golden/scratch.h"

namespace telora {
namespace {

namespace fs = std::filesystem;
using golden::Scratch;
using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class VerifyChanges : public testing::Test {
 protected:
  void SetUp() override { use(golden::tiny_llama()); }
  void use(const DecoderSpec& spec) {
    spec_ = spec;
    adapter_ = tiny_adapter(
        spec, {.rank = 4, .alpha = 8, .use_rslora = true, .target_regex = "all-linear"});
    golden::gguf_of(spec, golden::tiny_weights(spec), GgmlType::kF32).write(base());
  }
  fs::path base() const { return folder_ / "base.gguf"; }
  std::vector<std::string> peft(const AdapterFile& exported, Dtype dtype = Dtype::kF32) const {
    fs::remove_all(folder_ / "peft");
    write_adapter(folder_ / "peft", exported, dtype);
    EXPECT_EQ(find_export_kind(folder_ / "peft"), ExportKind::kPeft);
    return adapter_faults(folder_ / "peft", ExportKind::kPeft, adapter_, spec_);
  }
  std::vector<std::string> gguf(const AdapterFile& exported, GgmlType type = GgmlType::kF32) const {
    write_gguf_adapter(folder_ / "a.gguf", exported, spec_, type, {});
    EXPECT_EQ(find_export_kind(folder_ / "a.gguf"), ExportKind::kGgufAdapter);
    return adapter_faults(folder_ / "a.gguf", ExportKind::kGgufAdapter, adapter_, spec_);
  }
  std::vector<std::string> merged(const AdapterFile& exported,
                                  std::optional<GgmlType> type = {}) const {
    write_merged_gguf(folder_ / "m.gguf", base(), exported, type, {});
    EXPECT_EQ(find_export_kind(folder_ / "m.gguf"), ExportKind::kMergedGguf);
    return merged_faults(folder_ / "m.gguf", base(), adapter_);
  }
  // q and k rows as a file has them that was written without minding the order.
  AdapterFile unordered() const {
    DecoderSpec other = spec_;
    AdapterFile wrong = adapter_;
    for (LoraTensors& pair : wrong.modules) {
      if (pair.module.find("q_proj") == std::string::npos) continue;
      const int64_t half = other.head_dim / 2;
      pair.b = pair.b.view({-1, half, 2, pair.b.size(1)}).transpose(1, 2).reshape(pair.b.sizes());
    }
    return wrong;
  }
  AdapterFile with_scale(double factor) const {
    AdapterFile wrong = adapter_;
    for (LoraTensors& pair : wrong.modules) pair.b = pair.b * factor;
    return wrong;
  }

  DecoderSpec spec_;
  AdapterFile adapter_;
  Scratch folder_;
};

TEST_F(VerifyChanges, GoodExportsHaveNoFault) {
  for (const DecoderSpec& spec : tiny_families()) {
    SCOPED_TRACE(spec.architecture);
    use(spec);
    for (const Dtype dtype : {Dtype::kF32, Dtype::kF16, Dtype::kBF16}) {
      EXPECT_THAT(peft(adapter_, dtype), IsEmpty());
    }
    for (const GgmlType type : {GgmlType::kF32, GgmlType::kF16, GgmlType::kBF16, GgmlType::kQ8_0}) {
      EXPECT_THAT(gguf(adapter_, type), IsEmpty());
    }
    for (const GgmlType type : {GgmlType::kF32, GgmlType::kF16, GgmlType::kBF16, GgmlType::kQ8_0,
                                GgmlType::kQ5_1, GgmlType::kQ4_0}) {
      SCOPED_TRACE(ggml_type_info(type).name);
      EXPECT_THAT(merged(adapter_, type), IsEmpty());
    }
  }
}

TEST_F(VerifyChanges, AStrengthOffByTheRootOfTheRank) {
  for (const auto& faults : {peft(with_scale(0.5)), gguf(with_scale(0.5)), merged(with_scale(0.5)),
                             merged(with_scale(0.5), GgmlType::kQ8_0)}) {
    EXPECT_THAT(faults, SizeIs(adapter_.modules.size()));
    EXPECT_THAT(faults, Each(HasSubstr("rsLoRA was ignored")));
  }
}

TEST_F(VerifyChanges, RowsOfQueriesInTheWrongOrder) {
  for (const auto& faults : {gguf(unordered()), merged(unordered())}) {
    EXPECT_THAT(faults, SizeIs(static_cast<size_t>(spec_.layers)));
    EXPECT_THAT(faults, Each(HasSubstr("wrong order")));
    EXPECT_THAT(faults, Contains(HasSubstr("layers.1.self_attn.q_proj")));
  }
}

// Values of a four-bit file lie on its grid: a change of less than half a step is gone.
TEST_F(VerifyChanges, AChangeThatRoundingTakesAway) {
  golden::gguf_of(spec_, golden::tiny_weights(spec_), GgmlType::kQ4_1).write(base());
  adapter_ = with_scale(0.02);
  for (const auto& faults : {merged(adapter_), merged(adapter_, GgmlType::kQ4_1)}) {
    EXPECT_THAT(faults, Contains(HasSubstr("is rounded away: steps of Q4_1")));
  }
  EXPECT_THAT(merged(adapter_, GgmlType::kF16), IsEmpty());
}

// Values of a coarse grid plus a small change do not round at random: part of the strength is lost
// in every element alike, and no exporter can help it.
TEST_F(VerifyChanges, WhatRoundingMustTakeIsNoFault) {
  golden::gguf_of(spec_, golden::tiny_weights(spec_), GgmlType::kQ4_1).write(base());
  for (const double factor : {1.0, 0.1, 0.03}) {
    SCOPED_TRACE(factor);
    adapter_ = with_scale(factor);
    EXPECT_THAT(merged(adapter_, GgmlType::kBF16), IsEmpty());
    EXPECT_THAT(merged(with_scale(0.8), GgmlType::kBF16), SizeIs(adapter_.modules.size()));
  }
}

TEST_F(VerifyChanges, AModuleThatIsMissing) {
  AdapterFile wrong = adapter_;
  wrong.modules.erase(wrong.modules.begin() + 3);
  EXPECT_THAT(gguf(wrong), Contains("model.layers.0.self_attn.o_proj has no tensors"));
  EXPECT_THAT(merged(wrong), Contains(HasSubstr("self_attn.o_proj.weight changes nothing")));
}

TEST_F(VerifyChanges, AModuleTooMany) {
  AdapterFile all = adapter_;
  adapter_.modules.pop_back();
  EXPECT_THAT(gguf(all), Contains(HasSubstr("down_proj is changed")));
  EXPECT_THAT(merged(all), Contains(HasSubstr("though the adapter does not change it")));
}

TEST_F(VerifyChanges, AnotherAdapterAltogether) {
  AdapterFile other = adapter_;
  for (LoraTensors& pair : other.modules) pair.a = pair.a.flip(1);
  EXPECT_THAT(gguf(other), Each(HasSubstr("another change")));
}

TEST_F(VerifyChanges, ATiedHeadThatIsLost) {
  use(golden::tiny_llama_llama3_scaling());
  fs::create_directories(folder_ / "base");
  golden::write_folder(folder_ / "base", spec_, golden::tiny_weights(spec_));
  DecoderSpec untied = spec_;
  untied.tied_head = false;
  golden::Tensors weights = golden::tiny_weights(untied);
  weights["lm_head.weight"] = weights.at("model.embed_tokens.weight").clone();
  fs::create_directories(folder_ / "untied");
  golden::write_folder(folder_ / "untied", untied, weights);
  EXPECT_THAT(merged_faults(folder_ / "untied", folder_ / "base", adapter_),
              Contains(HasSubstr("the tied head was lost")));
}

TEST_F(VerifyChanges, WhatIsNoExport) {
  fs::create_directories(folder_ / "empty");
  EXPECT_THROW(find_export_kind(folder_ / "empty"), Error);
  EXPECT_THROW(find_export_kind(folder_ / "nowhere"), Error);
  publish(folder_ / "text", "text");
  EXPECT_THROW(find_export_kind(folder_ / "text"), Error);
}

}  // namespace
}  // namespace telora
