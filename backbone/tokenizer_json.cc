#include "backbone/tokenizer_json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "backbone/tokenizer.h"
#include "core/files.h"

namespace telora {

namespace {

constexpr uint64_t kMaxFileBytes = 256 << 20;
constexpr int64_t kMaxId = (4 << 20) - 1;

std::vector<AddedToken> parse_added(Fields& root) {
  std::vector<AddedToken> added;
  if (!root.has("added_tokens")) return added;
  for (Fields& fields : root.objects("added_tokens")) {
    const auto id = static_cast<int32_t>(fields.integer("id", {0, kMaxId}));
    added.push_back(parse_added_token(fields, id));
  }
  return added;
}

// Transformers cuts and pads only where it is asked to, whatever the file says; so do we. Values
// that make no sense are refused all the same.
void check_truncation(Fields& root) {
  const std::string key = "truncation";
  if (!root.has(key) || root.is_null(key)) return root.ignore(key);
  Fields truncation = root.object(key);
  const int64_t length = truncation.integer("max_length", {1, INT64_MAX});
  truncation.integer("stride", {0, length - 1});
  for (const char* other : {"direction", "strategy"}) truncation.ignore(other);
  truncation.finish();
}

void check_padding(Fields& root) {
  const std::string key = "padding", strategy = "strategy";
  if (!root.has(key) || root.is_null(key)) return root.ignore(key);
  Fields padding = root.object(key);
  if (padding.raw(strategy).is_object()) {
    padding.object(strategy).integer("Fixed", {1, INT64_MAX});
  } else {
    padding.string(strategy, {"BatchLongest"});
  }
}

// The text of all steps that change text or cut it, for the digest.
void add_steps_to_kind(Fields& root, const PreTokenizerSteps& steps, TokenizerParts& parts) {
  if (!parts.normalizer.empty()) parts.kind += "\nnormalizer " + to_json(root.raw("normalizer"));
  if (!steps.metaspace) return;
  parts.kind += fmt::format("\nmetaspace {} {}", static_cast<int>(steps.metaspace->prepend),
                            steps.metaspace->split);
}

}  // namespace

bool json_flag(Fields& fields, const std::string& key, bool otherwise) {
  return fields.has(key) ? fields.boolean(key) : otherwise;
}

AddedToken parse_added_token(Fields& fields, int32_t id) {
  AddedToken token;
  token.id = id;
  token.content = fields.string("content");
  token.special = json_flag(fields, "special", false);
  token.single_word = json_flag(fields, "single_word", false);
  token.lstrip = json_flag(fields, "lstrip", false);
  token.rstrip = json_flag(fields, "rstrip", false);
  token.normalized = json_flag(fields, "normalized", !token.special);
  return token;
}

TokenizerParts parse_tokenizer_json(const Document& document) {
  Fields root(document);
  TokenizerParts parts;
  parts.file = document.file();
  parts.merges_field = "model.merges";
  parts.added_field = "added_tokens";
  parts.rules_field = "pre_tokenizer";
  root.ignore("version");
  check_truncation(root);
  check_padding(root);
  parts.normalizer = parse_normalizer(root);
  parts.added = parse_added(root);
  PreTokenizerSteps steps = parse_pre_tokenizer(root);
  parse_model(root.object("model"), steps, parts);
  add_steps_to_kind(root, steps, parts);
  parts.rules = std::move(steps.rules);
  parts.metaspace = steps.metaspace;
  parse_post_processor(root, parts);
  parts.decode = parse_decoder(root, steps.byte_level);
  root.finish();
  return parts;
}

Tokenizer Tokenizer::from_folder(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "tokenizer.json";
  const std::filesystem::path model = folder / "tokenizer.model";
  if (!std::filesystem::exists(path) && std::filesystem::exists(model)) {
    return from_sentencepiece(model);
  }
  TokenizerParts parts =
      parse_tokenizer_json(Document::parse_json(read_text(path, kMaxFileBytes), path.string()));
  add_tokenizer_config(folder, parts);
  return Tokenizer(std::move(parts));
}

}  // namespace telora
