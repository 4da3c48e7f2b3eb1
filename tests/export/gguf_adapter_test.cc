#include "export/gguf_adapter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "backbone/gguf_names.h"
#include "backbone/torch.h"
#include "core/error.h"
#include "core/gguf.h"
#include "tests/export/tiny_adapter.h"
#include "tests/golden/scratch.h"
#include "tests/golden/tiny_models.h"

namespace telora {
namespace {

using golden::Scratch;
using testing::AllOf;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

// What llama.cpp adds to each weight: alpha / rank · B A, by GGUF name.
std::map<std::string, at::Tensor> added_by(const GgufPairs& pairs) {
  std::map<std::string, at::Tensor> added;
  for (const GgufPair& pair : pairs.pairs) {
    added[pair.weight] = pair.b.mm(pair.a) * (pairs.alpha / static_cast<float>(pair.a.size(0)));
  }
  return added;
}

// What the adapter adds to `module`, its rows where the file has them.
at::Tensor wanted(const AdapterFile& adapter, const LoraTensors& module, const DecoderSpec& spec) {
  const at::Tensor delta = module.b.mm(module.a) * lora_scale(adapter.config, module.module);
  if (!has_gguf_row_order(module.module + ".weight", spec.architecture)) return delta;
  at::Tensor moved = at::empty_like(delta);
  for (int64_t row = 0; row < delta.size(0); ++row) {
    moved[gguf_row(row, spec.head_dim)].copy_(delta[row]);
  }
  return moved;
}

void expect_same_changes(const AdapterFile& adapter, const DecoderSpec& spec) {
  const auto added = added_by(gguf_pairs(adapter, spec));
  ASSERT_EQ(added.size(), adapter.modules.size());
  for (const LoraTensors& module : adapter.modules) {
    SCOPED_TRACE(module.module);
    const auto found = added.find(gguf_name(module.module + ".weight", spec.norm_placement));
    ASSERT_NE(found, added.end());
    EXPECT_TRUE(at::allclose(found->second, wanted(adapter, module, spec), 1e-5, 1e-6));
  }
}

TEST(GgufPairs, AddWhatTheAdapterAdds) {
  for (const DecoderSpec& spec : tiny_families()) {
    SCOPED_TRACE(spec.architecture);
    for (const LoraConfig& config : tiny_configs())
      expect_same_changes(tiny_adapter(spec, config), spec);
  }
}

// A plain adapter's numbers are not touched: alpha and factors stay, only rows of q and k move.
TEST(GgufPairs, OfAPlainAdapterAreItsOwn) {
  const DecoderSpec spec = golden::tiny_llama();
  const AdapterFile adapter =
      tiny_adapter(spec, {.rank = 2, .alpha = 4, .target_regex = "all-linear"});
  const GgufPairs pairs = gguf_pairs(adapter, spec);
  EXPECT_EQ(pairs.alpha, 4);
  for (size_t i = 0; i < pairs.pairs.size(); ++i) {
    EXPECT_TRUE(pairs.pairs[i].a.equal(adapter.modules[i].a));
    const bool moved = pairs.pairs[i].weight.find("attn_q.") != std::string::npos ||
                       pairs.pairs[i].weight.find("attn_k.") != std::string::npos;
    EXPECT_EQ(pairs.pairs[i].b.equal(adapter.modules[i].b), !moved) << pairs.pairs[i].weight;
  }
}

TEST(GgufPairs, RsLoraIsFoldedIntoAlpha) {
  const DecoderSpec spec = golden::tiny_qwen2();
  const GgufPairs pairs = gguf_pairs(
      tiny_adapter(spec, {.rank = 4, .alpha = 8, .use_rslora = true, .target_regex = "all-linear"}),
      spec);
  EXPECT_EQ(pairs.alpha, 16);  // 8 · √4
}

TEST(GgufPairs, AFusedMlpIsTwoPairs) {
  DecoderSpec spec = golden::tiny_granite();
  spec.architecture = "granitemoehybrid";
  spec.fused_mlp = true;
  const AdapterFile adapter =
      tiny_adapter(spec, {.rank = 2, .alpha = 4, .target_regex = "all-linear"});
  const auto added = added_by(gguf_pairs(adapter, spec));
  EXPECT_EQ(added.size(), 7U * static_cast<size_t>(spec.layers));
  for (const LoraTensors& module : adapter.modules) {
    if (!module.module.starts_with("model.layers.1.shared_mlp")) continue;
    const at::Tensor delta = wanted(adapter, module, spec);
    if (module.module.ends_with("output_linear")) {
      EXPECT_TRUE(at::allclose(added.at("blk.1.ffn_down.weight"), delta, 1e-5, 1e-6));
    } else {
      const at::Tensor both =
          at::cat({added.at("blk.1.ffn_gate.weight"), added.at("blk.1.ffn_up.weight")});
      EXPECT_TRUE(at::allclose(both, delta, 1e-5, 1e-6));
    }
  }
}

TEST(GgufPairs, DoraIsRefused) {
  AdapterFile adapter =
      tiny_adapter(golden::tiny_llama(), {.rank = 2, .target_regex = "all-linear"});
  adapter.config.use_dora = true;
  try {
    gguf_pairs(adapter, golden::tiny_llama());
    FAIL() << "went through";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kConfig);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("use_dora"), HasSubstr("merged-gguf")));
  }
}

TEST(GgufAdapterFile, HoldsWhatLlamaCppReads) {
  const Scratch folder;
  const DecoderSpec spec = golden::tiny_llama();
  const AdapterFile adapter =
      tiny_adapter(spec, {.rank = 2, .alpha = 4, .target_regex = "all-linear"});
  write_gguf_adapter(folder / "a.gguf", adapter, spec, GgmlType::kF32, {{"category", "teleqna"}});
  const GgufFile file(folder / "a.gguf");
  EXPECT_EQ(file.string("general.architecture"), "llama");
  EXPECT_EQ(file.string("general.type"), "adapter");
  EXPECT_EQ(file.string("adapter.type"), "lora");
  EXPECT_EQ(file.number("adapter.lora.alpha"), 4);
  EXPECT_EQ(file.string("telora.category"), "teleqna");
  EXPECT_EQ(file.tensors().size(), 2 * adapter.modules.size());
  const GgufTensor* a = file.find("blk.0.ffn_down.weight.lora_a");
  ASSERT_NE(a, nullptr);
  EXPECT_THAT(a->dims, testing::ElementsAre(static_cast<uint64_t>(spec.intermediate), 2U));
}

TEST(GgufAdapterFile, RowsThatAreNoBlocksAreF16) {
  const Scratch folder;
  const DecoderSpec spec = golden::tiny_llama();
  const AdapterFile adapter =
      tiny_adapter(spec, {.rank = 2, .alpha = 4, .target_modules = {"q_proj"}});
  write_gguf_adapter(folder / "a.gguf", adapter, spec, GgmlType::kQ8_0, {});
  const GgufFile file(folder / "a.gguf");
  EXPECT_EQ(file.find("blk.0.attn_q.weight.lora_a")->type, GgmlType::kQ8_0);
  EXPECT_EQ(file.find("blk.0.attn_q.weight.lora_b")->type, GgmlType::kF16);
}

TEST(GgufAdapterFile, OverflowIsNamedAndNothingIsWritten) {
  const Scratch folder;
  const DecoderSpec spec = golden::tiny_llama();
  AdapterFile adapter = tiny_adapter(spec, {.rank = 2, .alpha = 4, .target_modules = {"v_proj"}});
  adapter.modules[1].b[3][1] = 7e4;
  try {
    write_gguf_adapter(folder / "a.gguf", adapter, spec, GgmlType::kF16, {});
    FAIL() << "went through";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("blk.1.attn_v.weight.lora_b"), HasSubstr("70000"),
                                    HasSubstr("element 7")));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  EXPECT_THROW(write_gguf_adapter(folder / "a.gguf", adapter, spec, GgmlType::kQ4_0, {}), Error);
}

}  // namespace
}  // namespace telora
