#include "export/gguf_model_metadata.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "backbone/tokenizer_json.h"
#include "core/document.h"
#include "core/error.h"
#include "core/files.h"
#include "export/gguf_adapter.h"

namespace telora {

namespace {

namespace fs = std::filesystem;

constexpr uint32_t kQuantizationVersion = 2;  // of the block formats
constexpr double kGemma3LocalTheta = 10'000;  // what llama.cpp takes for granted

// Values of tokenizer.ggml.token_type.
constexpr int32_t kNormal = 1, kControl = 3, kUserDefined = 4, kUnused = 5;

[[noreturn]] void refuse(const char* what, std::string_view found, std::string_view wanted,
                         std::string_view advice = {}) {
  fail(ErrorKind::kConfig, {"GGUF", what}, found, wanted, advice);
}

class SpecKeys {
 public:
  explicit SpecKeys(const DecoderSpec& spec)
      : spec_(spec), prefix_(gguf_architecture(spec) + ".") {}

  GgufMetadata make() {
    metadata_.set_string("general.architecture", gguf_architecture(spec_));
    metadata_.set_string("general.type", "model");
    metadata_.set_u32("general.quantization_version", kQuantizationVersion);
    add_sizes();
    add_rope();
    add_windows();
    add_scales();
    return std::move(metadata_);
  }

 private:
  void count(const char* name, int64_t value) {
    metadata_.set_u32(prefix_ + name, static_cast<uint32_t>(value));
  }
  void number(const char* name, double value) {
    metadata_.set_f32(prefix_ + name, static_cast<float>(value));
  }

  void add_sizes() {
    count("block_count", spec_.layers);
    count("context_length", spec_.max_positions);
    count("embedding_length", spec_.hidden);
    count("feed_forward_length", spec_.intermediate);
    count("vocab_size", spec_.vocab);
    count("attention.head_count", spec_.heads);
    count("attention.head_count_kv", spec_.kv_heads);
    count("attention.key_length", spec_.head_dim);
    count("attention.value_length", spec_.head_dim);
    number("attention.layer_norm_rms_epsilon", spec_.rms_eps);
  }

  void add_rope() {
    count("rope.dimension_count", spec_.head_dim);
    number("rope.freq_base", spec_.rope_theta);
  }

  void add_windows() {
    if (spec_.local_layers.empty()) return;
    count("attention.sliding_window", spec_.sliding_window);
    metadata_.set_bools(prefix_ + "attention.sliding_window_pattern", spec_.local_layers);
    if (gguf_architecture(spec_) == "gemma3" && spec_.local_rope_theta != kGemma3LocalTheta) {
      refuse("rope of local layers", fmt::format("{}", spec_.local_rope_theta),
             fmt::format("{}, which llama.cpp takes for granted", kGemma3LocalTheta));
    }
  }

  void add_scales() {
    if (gguf_architecture(spec_) == "granite") {
      number("embedding_scale", spec_.embedding_scale);
      number("residual_scale", spec_.residual_scale);
      number("attention.scale", spec_.attention_scale);
      number("logit_scale", spec_.logit_scale);
      return;
    }
    const double usual = 1 / std::sqrt(static_cast<double>(spec_.head_dim));
    if (std::abs(spec_.attention_scale / usual - 1) < 1e-6) return;
    refuse("attention scale", fmt::format("{}", spec_.attention_scale),
           fmt::format("{}: a GGUF file of this architecture cannot say another", usual));
  }

  const DecoderSpec& spec_;
  std::string prefix_;
  GgufMetadata metadata_;
};

bool same_rules(const std::vector<SplitRule>& rules, const std::vector<SplitRule>& wanted) {
  return std::ranges::equal(rules, wanted, [](const SplitRule& a, const SplitRule& b) {
    return a.pattern == b.pattern && a.behavior == b.behavior && a.literal == b.literal &&
           a.invert == b.invert;
  });
}

// tokenizer.ggml.pre, a name for what the tokenizer splits by.
std::string pre_tokenizer_name(const TokenizerParts& parts, const DecoderSpec& spec) {
  const std::string architecture = gguf_architecture(spec);
  if (same_rules(parts.rules, {kDigitSplit, kGpt2Split})) {
    return architecture == "granite" ? "refact" : "smollm";
  }
  if (same_rules(parts.rules, {kGpt2Split})) {
    if (architecture == "exaone4") return "exaone4";
    return architecture == "olmo2" ? "olmo" : "gpt-2";
  }
  if (same_rules(parts.rules, {kLlama3Split})) {
    return parts.bpe.ignore_merges ? "llama-bpe" : "dbrx";
  }
  if (same_rules(parts.rules, {kQwen2Split})) return "qwen2";
  refuse("tokenizer.ggml.pre", "rules that llama.cpp has no name for",
         "those of SmolLM2, GPT-2, Llama 3, Qwen2 or EXAONE 4",
         "write a merged folder and convert it with llama.cpp's converter");
}

// Spellings and types of all ids, filled up to the embedding's rows.
struct TokenTable {
  std::vector<std::string> tokens;
  std::vector<int32_t> types;
};

TokenTable token_table(const TokenizerParts& parts, const DecoderSpec& spec) {
  TokenTable table;
  const Vocabulary& vocabulary = *parts.vocabulary;
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    table.tokens.emplace_back(vocabulary.text(id));
  }
  for (int64_t id = vocabulary.size(); id < spec.vocab; ++id) {
    table.tokens.push_back(fmt::format("[PAD{}]", id));
  }
  table.types.assign(table.tokens.size(), kNormal);
  std::fill(table.types.begin() + vocabulary.size(), table.types.end(), kUnused);
  for (const int32_t id : parts.padding) table.types.at(static_cast<size_t>(id)) = kUnused;
  for (const AddedToken& token : parts.added) {
    table.types.at(static_cast<size_t>(token.id)) = token.is_control() ? kControl : kUserDefined;
  }
  return table;
}

std::vector<std::string> merge_texts(const TokenizerParts& parts) {
  std::vector<std::string> texts;
  for (const Merge& merge : parts.merges) {
    texts.push_back(fmt::format("{} {}", parts.vocabulary->text(merge.left),
                                parts.vocabulary->text(merge.right)));
  }
  return texts;
}

void add_id(GgufMetadata& metadata, const char* name, const std::optional<int32_t>& id) {
  if (id)
    metadata.set_u32(fmt::format("tokenizer.ggml.{}_token_id", name), static_cast<uint32_t>(*id));
}

void add_named_tokens(GgufMetadata& metadata, const TokenizerParts& parts) {
  add_id(metadata, "bos", parts.bos);
  add_id(metadata, "eos", parts.eos);
  add_id(metadata, "padding", parts.pad);
  for (const int32_t id : parts.end_of_turn) {
    if (id == parts.eos) continue;
    add_id(metadata, "eot", id);
    break;
  }
  metadata.set_bool("tokenizer.ggml.add_bos_token", parts.add_bos);
  metadata.set_bool("tokenizer.ggml.add_eos_token", parts.add_eos);
  if (parts.chat_template) metadata.set_string("tokenizer.chat_template", *parts.chat_template);
}

TokenizerParts read_parts(const fs::path& folder) {
  constexpr uint64_t kMaxFileBytes = 256 << 20;
  const fs::path path = folder / "tokenizer.json";
  TokenizerParts parts =
      parse_tokenizer_json(Document::parse_json(read_text(path, kMaxFileBytes), path.string()));
  add_tokenizer_config(folder, parts);
  return parts;
}

}  // namespace

GgufMetadata gguf_model_metadata(const DecoderSpec& spec) { return SpecKeys(spec).make(); }

void add_gguf_tokenizer(GgufMetadata& metadata, const fs::path& folder, const DecoderSpec& spec) {
  if (!fs::exists(folder / "tokenizer.json")) {
    if (fs::exists(folder / "tokenizer.model")) {
      refuse("tokenizer", "a SentencePiece model alone", "a tokenizer.json of byte-level BPE",
             "write a merged folder and convert it with llama.cpp's converter");
    }
    return metadata.set_string("tokenizer.ggml.model", "no_vocab");
  }
  const TokenizerParts parts = read_parts(folder);
  if (parts.model || parts.metaspace) {
    refuse("tokenizer", "a tokenizer of characters", "byte-level BPE",
           "write a merged folder and convert it with llama.cpp's converter");
  }
  const TokenTable table = token_table(parts, spec);
  metadata.set_string("tokenizer.ggml.model", "gpt2");
  metadata.set_string("tokenizer.ggml.pre", pre_tokenizer_name(parts, spec));
  metadata.set_strings("tokenizer.ggml.tokens", table.tokens);
  metadata.set_i32s("tokenizer.ggml.token_type", table.types);
  metadata.set_strings("tokenizer.ggml.merges", merge_texts(parts));
  add_named_tokens(metadata, parts);
}

std::vector<float> gguf_rope_divisors(const DecoderSpec& spec) {
  if (!spec.rope_divisors.empty()) return spec.rope_divisors;
  if (!spec.rope_scaling) return {};
  DecoderSpec plain = spec;
  plain.rope_scaling.reset();
  const std::vector<float> unscaled = inverse_frequencies(plain),
                           scaled = inverse_frequencies(spec);
  std::vector<float> divisors;
  for (size_t j = 0; j < scaled.size(); ++j) divisors.push_back(unscaled[j] / scaled[j]);
  return divisors;
}

uint32_t gguf_file_type(GgmlType type) {
  switch (type) {
    case GgmlType::kF16:
      return 1;
    case GgmlType::kQ4_0:
      return 2;
    case GgmlType::kQ4_1:
      return 3;
    case GgmlType::kQ8_0:
      return 7;
    case GgmlType::kQ5_0:
      return 8;
    case GgmlType::kQ5_1:
      return 9;
    case GgmlType::kBF16:
      return 32;
    default:
      return 0;
  }
}

}  // namespace telora
