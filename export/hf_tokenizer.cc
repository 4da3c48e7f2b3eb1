#include "export/hf_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "backbone/tokenizer.h"
#include "backbone/tokenizer_parts.h"
#include "core/error.h"
#include "core/files.h"

namespace telora {

namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

Json added_json(const TokenizerParts& parts) {
  Json added = Json::array();
  for (const AddedToken& token : parts.added) {
    added.push_back({{"id", token.id},
                     {"content", token.content},
                     {"single_word", token.single_word},
                     {"lstrip", token.lstrip},
                     {"rstrip", token.rstrip},
                     {"normalized", token.normalized},
                     {"special", token.is_control()}});
  }
  return added;
}

Json split_json(const SplitRule& rule) {
  if (rule.behavior != SplitBehavior::kIsolated || rule.literal) {
    fail(ErrorKind::kInternal, {"tokenizer.json", "pre_tokenizer"}, "another behavior",
         "isolated matches, as every known GGUF tokenizer has them");
  }
  return {{"type", "Split"},
          {"pattern", {{"Regex", rule.pattern}}},
          {"behavior", "Isolated"},
          {"invert", rule.invert}};
}

Json byte_level_json() {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", false},
          {"trim_offsets", true},
          {"use_regex", false}};
}

Json pre_tokenizer_json(const TokenizerParts& parts) {
  Json steps = Json::array();
  for (const SplitRule& rule : parts.rules) steps.push_back(split_json(rule));
  steps.push_back(byte_level_json());
  return {{"type", "Sequence"}, {"pretokenizers", steps}};
}

Json special_json(std::string_view token) {
  return {{"SpecialToken", {{"id", token}, {"type_id", 0}}}};
}

// Puts the tokens before and after a text that the file asks for.
Json post_processor_json(const TokenizerParts& parts) {
  if (!parts.add_bos && !parts.add_eos) return byte_level_json();
  Json single = Json::array(), tokens = Json::object();
  const auto add = [&](const std::optional<int32_t>& id) {
    const std::string token(parts.vocabulary->text(id.value()));
    single.push_back(special_json(token));
    tokens[token] = {{"id", token}, {"ids", {*id}}, {"tokens", {token}}};
  };
  if (parts.add_bos) add(parts.bos);
  single.push_back({{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
  if (parts.add_eos) add(parts.eos);
  Json pair = single;
  pair.push_back({{"Sequence", {{"id", "B"}, {"type_id", 0}}}});
  return {{"type", "TemplateProcessing"},
          {"single", single},
          {"pair", pair},
          {"special_tokens", tokens}};
}

Json model_json(const TokenizerParts& parts) {
  Json vocabulary = Json::object(), merges = Json::array();
  for (int32_t id = 0; id < parts.vocabulary->size(); ++id) {
    vocabulary[std::string(parts.vocabulary->text(id))] = id;
  }
  for (const Merge& merge : parts.merges) {
    merges.push_back(fmt::format("{} {}", parts.vocabulary->text(merge.left),
                                 parts.vocabulary->text(merge.right)));
  }
  return {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", nullptr},
          {"continuing_subword_prefix", nullptr},
          {"end_of_word_suffix", nullptr},
          {"fuse_unk", false},
          {"byte_fallback", false},
          {"ignore_merges", parts.bpe.ignore_merges},
          {"vocab", vocabulary},
          {"merges", merges}};
}

Json tokenizer_json(const TokenizerParts& parts) {
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", added_json(parts)},
          {"normalizer", nullptr},
          {"pre_tokenizer", pre_tokenizer_json(parts)},
          {"post_processor", post_processor_json(parts)},
          {"decoder", byte_level_json()},
          {"model", model_json(parts)}};
}

Json config_json(const TokenizerParts& parts) {
  Json config = {{"tokenizer_class", "PreTrainedTokenizerFast"},
                 {"clean_up_tokenization_spaces", false}};
  const auto name = [&](const char* key, const std::optional<int32_t>& id) {
    if (id) config[key] = parts.vocabulary->text(*id);
  };
  name("bos_token", parts.bos);
  name("eos_token", parts.eos);
  name("pad_token", parts.pad);
  if (parts.chat_template) config["chat_template"] = *parts.chat_template;
  return config;
}

Json generation_json(const TokenizerParts& parts, const Tokenizer& tokenizer) {
  Json config = Json::object();
  if (parts.bos) config["bos_token_id"] = *parts.bos;
  const std::vector<int32_t> stop = tokenizer.end_of_turn_ids();
  if (stop.size() == 1) config["eos_token_id"] = stop.front();
  if (stop.size() > 1) config["eos_token_id"] = stop;
  if (parts.pad) config["pad_token_id"] = *parts.pad;
  return config;
}

}  // namespace

void write_hf_tokenizer(const fs::path& folder, const GgufFile& file) {
  constexpr const char* kModel = "tokenizer.ggml.model";
  if (!file.has(kModel) || file.string(kModel) == "no_vocab") return;
  const TokenizerParts parts = gguf_tokenizer_parts(file);
  if (parts.model || parts.metaspace) {
    fail(ErrorKind::kConfig, {file.name(), kModel}, file.string(kModel),
         "byte-level BPE, the kind that can be written as tokenizer.json here",
         "write merged-gguf, which keeps the tokenizer");
  }
  const Tokenizer tokenizer = Tokenizer::from_gguf(file);
  publish(folder / "tokenizer.json", tokenizer_json(parts).dump() + "\n");
  publish(folder / "tokenizer_config.json", config_json(parts).dump(2) + "\n");
  publish(folder / "generation_config.json", generation_json(parts, tokenizer).dump(2) + "\n");
  const Tokenizer written = Tokenizer::from_folder(folder);
  if (written.digest() == tokenizer.digest() &&
      written.end_of_turn_ids() == tokenizer.end_of_turn_ids() &&
      written.chat_template() == tokenizer.chat_template()) {
    return;
  }
  fail(ErrorKind::kInternal, {(folder / "tokenizer.json").string(), {}}, written.digest(),
       tokenizer.digest() + ", the digest of the file's tokenizer");
}

}  // namespace telora
