#include "export/merged_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "backbone/backbone.h"
#include "backbone/torch.h"
#include "core/error.h"
#include "core/files.h"
#include "core/gguf.h"
#include "export/gguf_model.h"
#include "export/staged_folder.h"
#include "export/verify_changes.h"
#include "tests/export/tiny_adapter.h"
#include "tests/golden/model_files.h"
#include "tests/golden/scratch.h"

namespace telora {
namespace {

namespace fs = std::filesystem;
using golden::Scratch;
using testing::AllOf;
using testing::HasSubstr;

class MergedFolder : public testing::Test {
 protected:
  void base(const DecoderSpec& spec) const {
    fs::create_directories(folder_ / "base");
    golden::write_folder(folder_ / "base", spec, golden::tiny_weights(spec));
    publish(folder_ / "base/tokenizer.json", "{\"a\": 1}");
    publish(folder_ / "base/chat_template.jinja", "{{ x }}");
  }
  fs::path merged(const AdapterFile& adapter, const MergedFolderOptions& options = {}) const {
    fs::remove_all(folder_ / "merged");
    StagedFolder staged(folder_ / "merged");
    write_merged_folder(staged.path(), folder_ / "base", adapter, options, {{"category", "x"}});
    staged.publish();
    return folder_ / "merged";
  }
  Scratch folder_;
};

AdapterFile plain(const DecoderSpec& spec) {
  return tiny_adapter(spec, {.rank = 2, .alpha = 4, .target_regex = "all-linear"});
}

TEST_F(MergedFolder, ActsAsTheAdapterDoes) {
  for (const DecoderSpec& spec : tiny_families()) {
    SCOPED_TRACE(spec.architecture);
    base(spec);
    std::vector<AdapterFile> adapters = {tiny_dora(spec)};
    for (const LoraConfig& config : tiny_configs()) adapters.push_back(tiny_adapter(spec, config));
    for (const AdapterFile& adapter : adapters) {
      const at::Tensor wanted = tiny_logits(folder_ / "base", &adapter);
      EXPECT_LT(relative_error(tiny_logits(merged(adapter)), wanted), 1e-4);
    }
  }
}

// The same folder as one GGUF file: other names, order of rows, offsets of norms.
TEST_F(MergedFolder, AsAGgufFileItActsAlike) {
  for (const DecoderSpec& spec : tiny_families()) {
    SCOPED_TRACE(spec.architecture);
    base(spec);
    fs::remove(folder_ / "base/tokenizer.json");
    for (const LoraConfig& config : tiny_configs()) {
      const AdapterFile adapter = tiny_adapter(spec, config);
      write_gguf_model(folder_ / "m.gguf", folder_ / "base", adapter, {}, {});
      const at::Tensor wanted = tiny_logits(folder_ / "base", &adapter);
      EXPECT_LT(relative_error(tiny_logits(folder_ / "m.gguf"), wanted), 1e-4);
    }
  }
}

// Weights of several pieces, whose ends are not those of heads.
TEST_F(MergedFolder, AsAGgufFileHeadsStayWhole) {
  DecoderSpec spec = golden::tiny_llama();
  spec.hidden = 600;
  spec.heads = spec.kv_heads = 6;
  spec.head_dim = 100;
  spec.attention_scale = 0.1;
  base(spec);
  fs::remove(folder_ / "base/tokenizer.json");
  const AdapterFile adapter = plain(spec);
  write_gguf_model(folder_ / "m.gguf", folder_ / "base", adapter, {}, {});
  const at::Tensor wanted = tiny_logits(folder_ / "base", &adapter);
  EXPECT_LT(relative_error(tiny_logits(folder_ / "m.gguf"), wanted), 1e-4);
  EXPECT_THAT(merged_faults(folder_ / "m.gguf", folder_ / "base", adapter), testing::IsEmpty());
}

// All that decides ids is in the GGUF file: the digest of a tokenizer does not know of formats.
TEST_F(MergedFolder, TheTokenizerGoesAlong) {
  const DecoderSpec spec = golden::tiny_llama();  // 40 rows of embedding
  base(spec);
  nlohmann::ordered_json vocabulary;
  const std::vector<std::string> tokens = {"<|end|>", "a", "b", "c", "Ġ", "ab", "Ġab", "1", "2"};
  for (size_t id = 0; id < tokens.size(); ++id) vocabulary[tokens[id]] = id;
  const nlohmann::ordered_json bytes = {{"type", "ByteLevel"}, {"add_prefix_space", false}};
  const nlohmann::ordered_json digits = {{"type", "Digits"}, {"individual_digits", true}};
  const nlohmann::ordered_json file = {
      {"added_tokens",
       {{{"id", 0}, {"content", "<|end|>"}, {"special", true}, {"normalized", false}}}},
      {"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", {digits, bytes}}}},
      {"decoder", bytes},
      {"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", {"a b", "Ġ ab"}}}}};
  publish(folder_ / "base/tokenizer.json", file.dump());
  publish(folder_ / "base/tokenizer_config.json",
          R"({"eos_token": "<|end|>", "chat_template": "{{ messages }}"})");
  fs::remove(folder_ / "base/chat_template.jinja");
  write_gguf_model(folder_ / "m.gguf", folder_ / "base", plain(spec), {}, {});
  const GgufFile written(folder_ / "m.gguf");
  EXPECT_EQ(written.string("tokenizer.ggml.pre"), "smollm");
  EXPECT_EQ(written.strings("tokenizer.ggml.tokens").size(), 40U);
  EXPECT_EQ(written.strings("tokenizer.ggml.tokens")[9], "[PAD9]");
  EXPECT_EQ(written.integers("tokenizer.ggml.token_type")[0], 3);
  const Tokenizer before = read_tokenizer(folder_ / "base"), after = Tokenizer::from_gguf(written);
  EXPECT_EQ(after.digest(), before.digest());
  EXPECT_EQ(after.encode("ab ab12<|end|>"), before.encode("ab ab12<|end|>"));
  EXPECT_EQ(after.eos_id(), 0);
  EXPECT_EQ(after.chat_template(), "{{ messages }}");
}

// Dense Granite 4 has gate and up in one weight, a GGUF file in two.
TEST_F(MergedFolder, AFusedMlpIsCutInTwo) {
  DecoderSpec spec = golden::tiny_granite();
  spec.architecture = "granitemoehybrid";
  spec.fused_mlp = true;
  base(spec);
  fs::remove(folder_ / "base/tokenizer.json");
  const AdapterFile adapter = plain(spec);
  write_gguf_model(folder_ / "m.gguf", folder_ / "base", adapter, {}, {});
  const at::Tensor wanted = tiny_logits(folder_ / "base", &adapter);
  EXPECT_LT(relative_error(tiny_logits(folder_ / "m.gguf"), wanted), 1e-4);
  EXPECT_THAT(merged_faults(folder_ / "m.gguf", folder_ / "base", adapter), testing::IsEmpty());
  EXPECT_THAT(merged_faults(
                  folder_ / "m.gguf", folder_ / "base",
                  tiny_adapter(spec, {.rank = 3, .alpha = 3, .target_modules = {"input_linear"}})),
              testing::Contains(HasSubstr("input_linear.weight")));
}

TEST_F(MergedFolder, ShardsActAsOneFile) {
  const DecoderSpec spec = golden::tiny_llama();
  base(spec);
  const AdapterFile adapter = plain(spec);
  const at::Tensor whole = tiny_logits(merged(adapter));
  const fs::path shards = merged(adapter, {.shard_bytes = 20'000});
  EXPECT_TRUE(fs::exists(shards / "model.safetensors.index.json"));
  EXPECT_FALSE(fs::exists(shards / "model.safetensors"));
  EXPECT_TRUE(tiny_logits(shards).equal(whole));
}

TEST_F(MergedFolder, CarriesWhatBelongsToTheModel) {
  const DecoderSpec spec = golden::tiny_llama_llama3_scaling();  // a tied head
  base(spec);
  merged(plain(spec), {.dtype = Dtype::kBF16});
  EXPECT_EQ(read_text(folder_ / "merged/tokenizer.json"), "{\"a\": 1}");
  EXPECT_EQ(read_text(folder_ / "merged/chat_template.jinja"), "{{ x }}");
  const auto config = nlohmann::json::parse(read_text(folder_ / "merged/config.json"));
  EXPECT_EQ(config.at("dtype"), "bfloat16");
  EXPECT_EQ(config.at("tie_word_embeddings"), true);
  const SafetensorsFile file(folder_ / "merged/model.safetensors");
  EXPECT_EQ(file.find("lm_head.weight"), nullptr);
  EXPECT_EQ(file.find("model.embed_tokens.weight")->dtype, Dtype::kBF16);
  EXPECT_EQ(file.metadata().at("telora.category"), "x");
}

TEST_F(MergedFolder, OverflowLeavesNothing) {
  const DecoderSpec spec = golden::tiny_llama();
  base(spec);
  AdapterFile adapter = plain(spec);
  adapter.modules.back().b.fill_(1e5);
  adapter.modules.back().a.fill_(1);
  try {
    merged(adapter, {.dtype = Dtype::kF16});
    FAIL() << "went through";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("layers.1.mlp.down_proj"), HasSubstr("F16")));
  }
  EXPECT_THAT(std::distance(fs::directory_iterator(folder_.path()), {}), 1);  // the base
}

TEST_F(MergedFolder, AFolderWithFilesIsLeftAlone) {
  fs::create_directories(folder_ / "full");
  publish(folder_ / "full/mine", "mine");
  try {
    const StagedFolder staged(folder_ / "full/");
    FAIL() << "went through";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kCannotCreate);
    EXPECT_THAT(error.what(), HasSubstr("full"));
  }
  EXPECT_EQ(read_text(folder_ / "full/mine"), "mine");
  fs::create_directories(folder_ / "empty");
  StagedFolder staged(folder_ / "empty");
  publish(staged.path() / "a", "a");
  staged.publish();
  EXPECT_EQ(read_text(folder_ / "empty/a"), "a");
}

}  // namespace
}  // namespace telora
