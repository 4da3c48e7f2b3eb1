#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "backbone/tokenizer_json.h"
#include "core/files.h"

namespace telora {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

std::optional<Document> read_document(const fs::path& path) {
  if (!fs::exists(path)) return std::nullopt;
  return Document::parse_json(read_text(path), path.string(), 1, ErrorKind::kData, true);
}

AddedToken* find_added(TokenizerParts& parts, int32_t id) {
  const auto found = std::ranges::find(parts.added, id, &AddedToken::id);
  return found == parts.added.end() ? nullptr : &*found;
}

int32_t parse_id(const Fields& fields, const std::string& text, int64_t size) {
  int32_t id = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error == std::errc() && end == text.data() + text.size() && id >= 0 && id < size) return id;
  fields.fail(text, "no id of the vocabulary", fmt::format("0 to {}", size - 1));
}

bool same_matching(const AddedToken& a, const AddedToken& b) {
  return a.content == b.content && a.special == b.special && a.single_word == b.single_word &&
         a.lstrip == b.lstrip && a.rstrip == b.rstrip && a.normalized == b.normalized;
}

// Beside a SentencePiece model the list says which of its pieces are found in text as a whole.
void add_listed_token(Fields& list, const std::string& key, const AddedToken& token,
                      TokenizerParts& parts) {
  if (parts.vocabulary->text(token.id) != token.content) {
    list.fail(
        key, fmt::format("'{}'", printable(token.content)),
        fmt::format("'{}', the piece of this id", printable(parts.vocabulary->text(token.id))),
        "tokens that were added to the model need its tokenizer.json");
  }
  if (AddedToken* known = find_added(parts, token.id)) {
    *known = token;
  } else {
    parts.added.push_back(token);
  }
}

// The list repeats tokenizer.json's; where the two differ, readers disagree about ids.
void check_added_tokens(Fields& config, TokenizerParts& parts) {
  if (!config.has("added_tokens_decoder")) return;
  Fields list = config.object("added_tokens_decoder");
  for (const std::string& key : list.keys()) {
    const int32_t id = parse_id(list, key, parts.vocabulary->size());
    Fields entry = list.object(key);
    if (parts.added_by_config) {
      AddedToken token = parse_added_token(entry, id);
      token.normalized = false;  // there is no other text that it could be looked for in
      add_listed_token(list, key, token, parts);
      continue;
    }
    const AddedToken* known = find_added(parts, id);
    if (known != nullptr && same_matching(parse_added_token(entry, id), *known)) continue;
    list.fail(key, known == nullptr ? "a token that tokenizer.json does not add" : "other values",
              "the entry of tokenizer.json's added_tokens");
  }
}

// The text of `bos_token` and the like: a string, or an object with `content`.
std::optional<std::string> named_token(Fields& config, const std::string& key) {
  if (!config.has(key) || config.is_null(key)) return std::nullopt;
  if (!config.raw(key).is_object()) return config.string(key);
  return config.object(key).string("content");
}

// A named token counts as special even where `added_tokens` does not list it.
std::optional<int32_t> read_named(Fields& config, const std::string& key, TokenizerParts& parts) {
  const std::optional<std::string> text = named_token(config, key);
  if (!text) return std::nullopt;
  const std::optional<int32_t> id = parts.vocabulary->find(*text);
  if (!id) config.fail(key, fmt::format("'{}'", printable(*text)), "a token of the vocabulary");
  if (AddedToken* known = find_added(parts, *id)) {
    known->special = true;
  } else {
    parts.added.push_back({.id = *id, .content = *text, .special = true});
  }
  return id;
}

std::optional<std::string> read_template(Fields& config) {
  const std::string key = "chat_template";
  if (!config.has(key) || config.is_null(key)) return std::nullopt;
  if (!config.raw(key).is_array()) return config.string(key);
  for (Fields& entry : config.objects(key)) {
    if (entry.string("name") == "default") return entry.string("template");
  }
  config.fail(key, "a list without the name 'default'", "a text or a list with it");
}

// Whether the tokenizer puts `token` around a text, where the config overrides tokenizer.json.
void read_flag(Fields& config, const std::string& key, bool token, bool& flag) {
  if (!config.has(key) || config.is_null(key)) return;
  flag = config.boolean(key);
  if (flag && !token) config.fail(key, "true", "false, as there is no such token");
}

// Models that spell spaces as ▁ say by other means what goes before a text.
void check_prefix_space(Fields& config, const TokenizerParts& parts) {
  const std::string key = "add_prefix_space";
  if (!parts.decode.byte_level) return config.ignore(key);
  if (!config.has(key) || config.is_null(key) || !config.boolean(key)) return;
  config.fail(key, "true", "false", "this would change token ids and is not supported");
}

void read_config(Fields config, TokenizerParts& parts) {
  check_prefix_space(config, parts);
  check_added_tokens(config, parts);
  if (const auto id = read_named(config, "bos_token", parts)) parts.bos = id;
  if (const auto id = read_named(config, "eos_token", parts)) parts.eos = id;
  parts.pad = read_named(config, "pad_token", parts);
  read_named(config, "unk_token", parts);
  read_flag(config, "add_bos_token", parts.bos.has_value(), parts.add_bos);
  read_flag(config, "add_eos_token", parts.eos.has_value(), parts.add_eos);
  parts.chat_template = read_template(config);
}

// eos_token_id: a number or a list of numbers.
void read_end_of_turn(Fields config, TokenizerParts& parts) {
  const std::string key = "eos_token_id";
  if (!config.has(key) || config.is_null(key)) return;
  const Range<int64_t> range{0, parts.vocabulary->size() - 1};
  const std::vector<int64_t> ids = config.raw(key).is_array()
                                       ? config.integers(key, range)
                                       : std::vector<int64_t>{config.integer(key, range)};
  for (const int64_t id : ids) parts.end_of_turn.push_back(static_cast<int32_t>(id));
}

}  // namespace

void add_tokenizer_config(const fs::path& folder, TokenizerParts& parts) {
  if (const auto config = read_document(folder / "tokenizer_config.json")) {
    read_config(Fields(*config), parts);
  }
  if (const auto config = read_document(folder / "generation_config.json")) {
    read_end_of_turn(Fields(*config), parts);
  }
  const fs::path jinja = folder / "chat_template.jinja";
  if (fs::exists(jinja)) parts.chat_template = read_text(jinja, 1 << 20);
}

}  // namespace telora
