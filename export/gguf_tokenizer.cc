#include "export/gguf_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "backbone/sentencepiece_parts.h"
#include "backbone/tokenizer_json.h"
#include "core/document.h"
#include "core/error.h"
#include "core/files.h"
#include "export/gguf_adapter.h"

namespace telora {

namespace {

namespace fs = std::filesystem;

// Values of tokenizer.ggml.token_type.
constexpr int32_t kNormal = 1, kControl = 3, kUserDefined = 4, kUnused = 5;

[[noreturn]] void refuse(const char* what, std::string_view found, std::string_view wanted,
                         std::string_view advice = {}) {
  fail(ErrorKind::kConfig, {"GGUF", what}, found, wanted, advice);
}

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

// llama.cpp reads pieces, scores and types; more of a model it cannot say.
void require_plain(const SentencePieceProto& proto) {
  const char* advice = "write a merged folder";
  if (proto.kind != SentencePieceProto::Kind::kBpe) {
    refuse("tokenizer.ggml.model", "a unigram model", "SentencePiece's BPE", advice);
  }
  if (!proto.charsmap.empty()) {
    refuse("tokenizer.ggml.precompiled_charsmap", "normalisation rules", "none", advice);
  }
  if (proto.whitespace_as_suffix || !proto.escape_whitespaces) {
    refuse("tokenizer.ggml.model", "spaces spelled another way", "\u2581 before words", advice);
  }
}

void add_sentencepiece_keys(GgufMetadata& metadata, const fs::path& file, const DecoderSpec& spec) {
  constexpr float kPaddingScore = -1000;
  const SentencePieceProto proto = read_sentencepiece_file(file).proto;
  require_plain(proto);
  const TokenizerParts parts = sentencepiece_parts(file);
  TokenTable table = token_table(parts, spec);
  std::vector<float> scores(table.tokens.size(), kPaddingScore);
  for (size_t id = 0; id < proto.pieces.size(); ++id) {
    scores[id] = proto.pieces[id].score;
    table.types[id] = static_cast<int32_t>(proto.pieces[id].type);
  }
  metadata.set_string("tokenizer.ggml.model", "llama");
  metadata.set_string("tokenizer.ggml.pre", "default");
  metadata.set_strings("tokenizer.ggml.tokens", table.tokens);
  metadata.set_f32s("tokenizer.ggml.scores", scores);
  metadata.set_i32s("tokenizer.ggml.token_type", table.types);
  metadata.set_bool("tokenizer.ggml.add_space_prefix", proto.add_dummy_prefix);
  metadata.set_bool("tokenizer.ggml.remove_extra_whitespaces", proto.remove_extra_whitespaces);
  add_named_tokens(metadata, parts);
}

}  // namespace

void add_gguf_tokenizer(GgufMetadata& metadata, const fs::path& folder, const DecoderSpec& spec) {
  const bool has_json = fs::exists(folder / "tokenizer.json");
  const fs::path pieces = folder / "tokenizer.model";
  if (!has_json && !fs::exists(pieces)) {
    return metadata.set_string("tokenizer.ggml.model", "no_vocab");
  }
  if (!has_json) return add_sentencepiece_keys(metadata, pieces, spec);
  const TokenizerParts parts = read_parts(folder);
  if (parts.model || parts.metaspace) {
    if (fs::exists(pieces)) return add_sentencepiece_keys(metadata, pieces, spec);
    refuse("tokenizer", "a tokenizer of characters without its tokenizer.model",
           "byte-level BPE, or a SentencePiece model",
           "put the model's tokenizer.model into the folder");
  }
  const TokenTable table = token_table(parts, spec);
  metadata.set_string("tokenizer.ggml.model", "gpt2");
  metadata.set_string("tokenizer.ggml.pre", pre_tokenizer_name(parts, spec));
  metadata.set_strings("tokenizer.ggml.tokens", table.tokens);
  metadata.set_i32s("tokenizer.ggml.token_type", table.types);
  metadata.set_strings("tokenizer.ggml.merges", merge_texts(parts));
  add_named_tokens(metadata, parts);
}

}  // namespace telora
