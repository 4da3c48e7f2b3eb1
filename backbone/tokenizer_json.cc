#include "backbone/tokenizer_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "backbone/tokenizer.h"
#include "core/files.h"

namespace telora {

namespace {

using Json = nlohmann::ordered_json;

constexpr uint64_t kMaxFileBytes = 256 << 20;
constexpr int64_t kMaxId = (4 << 20) - 1;

bool flag(Fields& fields, const std::string& key, bool otherwise) {
  return fields.has(key) ? fields.boolean(key) : otherwise;
}

[[noreturn]] void refuse(const Fields& fields, const std::string& key, std::string_view found,
                         std::string_view want) {
  fields.fail(key, found, want, "this would change token ids and is not supported");
}

// A key that must be absent, null or `harmless`.
void expect_unused(Fields& model, const std::string& key, const Json& harmless) {
  if (!model.has(key) || model.is_null(key)) return model.ignore(key);
  const Json& value = model.raw(key);
  if (value != harmless) {
    refuse(model, key, printable(to_json(value)), "null or " + to_json(harmless));
  }
}

void check_normalizer(Fields& root) {
  if (!root.has("normalizer") || root.is_null("normalizer")) return root.ignore("normalizer");
  Fields normalizer = root.object("normalizer");
  const std::string type = normalizer.string("type");
  if (type == "Sequence" && normalizer.raw("normalizers").empty()) return normalizer.finish();
  refuse(normalizer, "type", fmt::format("'{}'", printable(type)), "normalizer null");
}

void check_decoder(Fields& root) {
  Fields decoder = root.object("decoder");
  if (decoder.string("type") != "ByteLevel") {
    decoder.fail("type", fmt::format("'{}'", printable(decoder.string("type"))), "ByteLevel",
                 "only byte-level tokenizers are supported");
  }
}

std::string vocabulary_field(const std::string& token) {
  return fmt::format("model.vocab[\"{}\"]", printable(token, 60));
}

// Collects spellings by id from the two places of the file that may name them.
class TokenList {
 public:
  TokenList(const std::string& file, const std::vector<AddedToken>& added, const Json& vocabulary)
      : file_(file), added_(added), tokens_(2 * (added.size() + vocabulary.size()) + 1) {
    for (size_t i = 0; i < added.size(); ++i) place_added(i);
    for (const auto& [token, id] : vocabulary.items()) place_known(token, id);
    check_gaps();
  }

  std::vector<std::string> take() { return std::move(tokens_); }

 private:
  [[noreturn]] void fail_added(size_t index, std::string_view found, std::string_view want) const {
    fail(ErrorKind::kData, {file_, fmt::format("added_tokens[{}]", index)}, found, want);
  }

  // Without gaps ids stay below the number of tokens; there is room for twice as many, so that a
  // gap can be named.
  bool in_range(int64_t id) const { return id >= 0 && id < static_cast<int64_t>(tokens_.size()); }

  void place_added(size_t index) {
    const AddedToken& token = added_[index];
    if (token.content.empty()) fail_added(index, "empty content", "text");
    if (!in_range(token.id)) {
      fail_added(index, fmt::format("id {}", token.id),
                 fmt::format("ids without a gap, below {}", tokens_.size()));
    }
    if (!tokens_[token.id].empty() || !by_content_.emplace(token.content, index).second) {
      fail_added(index, fmt::format("'{}' with id {}", printable(token.content), token.id),
                 "an id and a content that no other token has");
    }
    tokens_[token.id] = token.content;
  }

  void place_known(const std::string& token, const Json& value) {
    const Where where{file_, vocabulary_field(token)};
    const bool integer = value.is_number_integer();
    if (!integer || !in_range(value.get<int64_t>())) {
      fail(ErrorKind::kData, where, to_json(value),
           fmt::format("an id from 0 to {}", tokens_.size() - 1), "ids count up without a gap");
    }
    if (token.empty()) fail(ErrorKind::kData, where, "an empty token", "text");
    const auto id = value.get<int64_t>();
    const auto added = by_content_.find(token);
    if (added != by_content_.end() && added_[added->second].id != id) {
      fail_added(added->second, fmt::format("id {}", added_[added->second].id),
                 fmt::format("{}, which model.vocab has for '{}'", id, printable(token)));
    }
    if (!tokens_[id].empty() && tokens_[id] != token) fail_clash(token, id);
    tokens_[id] = token;
  }

  [[noreturn]] void fail_clash(const std::string& token, int64_t id) const {
    const std::string& other = tokens_[id];
    const auto added = by_content_.find(other);
    if (added != by_content_.end()) {
      fail_added(added->second, fmt::format("id {}", id),
                 fmt::format("another: model.vocab has it for '{}'", printable(token)));
    }
    fail(ErrorKind::kData, {file_, vocabulary_field(token)},
         fmt::format("id {}, which '{}' has", id, printable(other)), "an id of its own");
  }

  void check_gaps() {
    while (!tokens_.empty() && tokens_.back().empty()) tokens_.pop_back();
    const auto gap = std::ranges::find(tokens_, std::string());
    if (gap == tokens_.end()) return;
    const auto after = std::find_if(gap, tokens_.end(), [](const auto& t) { return !t.empty(); });
    const std::string found = fmt::format("no token with id {}", gap - tokens_.begin());
    const auto added = by_content_.find(*after);
    if (added != by_content_.end()) fail_added(added->second, found, "ids without a gap");
    fail(ErrorKind::kData, {file_, "model.vocab"}, found, "ids without a gap");
  }

  const std::string& file_;
  const std::vector<AddedToken>& added_;
  std::vector<std::string> tokens_;
  std::unordered_map<std::string, size_t> by_content_;
};

std::vector<AddedToken> parse_added(Fields& root) {
  std::vector<AddedToken> added;
  if (!root.has("added_tokens")) return added;
  for (Fields& fields : root.objects("added_tokens")) {
    const auto id = static_cast<int32_t>(fields.integer("id", {0, kMaxId}));
    added.push_back(parse_added_token(fields, id));
  }
  return added;
}

void read_vocabulary(Fields& model, TokenizerParts& parts) {
  const Json& vocabulary = model.raw("vocab");
  if (!vocabulary.is_object()) model.fail("vocab", "no object", "an object of token: id");
  TokenList list(parts.file, parts.added, vocabulary);
  parts.vocabulary = std::make_unique<Vocabulary>(list.take(), parts.file, "model.vocab");
}

Merge read_merge(const Json& value, const TokenizerParts& parts, const std::string& field) {
  const Vocabulary& vocabulary = *parts.vocabulary;
  if (value.is_string()) {
    return parse_merge(vocabulary, value.get_ref<const std::string&>(), parts.file, field);
  }
  if (!value.is_array() || value.size() != 2 || !value[0].is_string() || !value[1].is_string()) {
    fail(ErrorKind::kData, {parts.file, field}, printable(to_json(value)), "two tokens");
  }
  return resolve_merge(vocabulary, value[0].get_ref<const std::string&>(),
                       value[1].get_ref<const std::string&>(), parts.file, field);
}

void read_merges(Fields& model, TokenizerParts& parts) {
  const Json& merges = model.raw("merges");
  if (!merges.is_array()) model.fail("merges", "no list", "a list of merges");
  parts.merges.reserve(merges.size());
  for (size_t i = 0; i < merges.size(); ++i) {
    const Json& value = merges[i];
    const bool heading =
        value.is_string() && value.get_ref<const std::string&>().starts_with("#version");
    if (i == 0 && heading) continue;
    parts.merges.push_back(read_merge(value, parts, fmt::format("model.merges[{}]", i)));
  }
}

void read_unknown(Fields& model, TokenizerParts& parts) {
  parts.bpe.fuse_unknown = flag(model, "fuse_unk", false);
  if (!model.has("unk_token") || model.is_null("unk_token")) return model.ignore("unk_token");
  const std::string token = model.string("unk_token");
  const std::optional<int32_t> id = parts.vocabulary->find(token);
  if (!id) {
    model.fail("unk_token", fmt::format("'{}'", printable(token)), "a token of the vocabulary");
  }
  parts.bpe.unknown = *id;
}

void check_dropout(Fields& model) {
  if (!model.has("dropout") || model.is_null("dropout")) return model.ignore("dropout");
  if (model.number("dropout", {0, 1}) > 0) refuse(model, "dropout", "above 0", "null or 0");
}

void read_model(Fields model, TokenizerParts& parts) {
  const std::string type = model.string("type");
  if (type != "BPE") {
    model.fail("type", fmt::format("'{}'", printable(type)), "'BPE'",
               "tokenizers of other kinds are not supported");
  }
  check_dropout(model);
  expect_unused(model, "continuing_subword_prefix", "");
  expect_unused(model, "end_of_word_suffix", "");
  expect_unused(model, "byte_fallback", false);
  parts.bpe.ignore_merges = flag(model, "ignore_merges", false);
  read_vocabulary(model, parts);
  read_merges(model, parts);
  read_unknown(model, parts);
  model.finish();
}

// The id of {"SpecialToken": {"id": "<s>"}}, or -1 for {"Sequence": {"id": "A"}}.
int32_t template_piece(Fields piece, Fields& processor, const TokenizerParts& parts) {
  if (piece.has("Sequence")) {
    piece.object("Sequence").string("id", {"A"});
    return -1;
  }
  Fields special = piece.object("SpecialToken");
  const std::string token = special.string("id");
  const std::optional<int32_t> id = parts.vocabulary->find(token);
  if (!id) {
    special.fail("id", fmt::format("'{}'", printable(token)), "a token of the vocabulary");
  }
  Fields entry = processor.object("special_tokens").object(token);
  if (entry.integers("ids") != std::vector<int64_t>{*id}) {
    entry.fail("ids", "other ids", fmt::format("[{}], the id of the token", *id));
  }
  return *id;
}

// Accepts [bos] text [eos].
void read_template(Fields& processor, TokenizerParts& parts) {
  std::vector<int32_t> ids;
  for (const Fields& piece : processor.objects("single")) {
    ids.push_back(template_piece(piece, processor, parts));
  }
  const auto text = std::ranges::find(ids, -1);
  const bool one_text = std::ranges::count(ids, -1) == 1;
  if (!one_text || text - ids.begin() > 1 || ids.end() - text > 2) {
    refuse(processor, "single", fmt::format("{} pieces", ids.size()),
           "the text A with at most one token before and one after it");
  }
  parts.add_bos = text != ids.begin();
  parts.add_eos = ids.back() != -1;
  if (parts.add_bos) parts.bos = ids.front();
  if (parts.add_eos) parts.eos = ids.back();
}

void read_post_processor(Fields& root, TokenizerParts& parts) {
  const std::string key = "post_processor";
  if (!root.has(key) || root.is_null(key)) return root.ignore(key);
  std::vector<Fields> steps{root.object(key)};
  if (steps[0].string("type") == "Sequence") steps = steps[0].objects("processors");
  for (Fields& step : steps) {
    const std::string type = step.string("type");
    if (type == "TemplateProcessing") {
      read_template(step, parts);
    } else if (type != "ByteLevel") {  // which concerns reported offsets only
      refuse(step, "type", fmt::format("'{}'", printable(type)), "ByteLevel, TemplateProcessing");
    }
  }
}

}  // namespace

AddedToken parse_added_token(Fields& fields, int32_t id) {
  AddedToken token;
  token.id = id;
  token.content = fields.string("content");
  token.special = flag(fields, "special", false);
  token.single_word = flag(fields, "single_word", false);
  token.lstrip = flag(fields, "lstrip", false);
  token.rstrip = flag(fields, "rstrip", false);
  token.normalized = flag(fields, "normalized", !token.special);
  return token;
}

TokenizerParts parse_tokenizer_json(const Document& document) {
  Fields root(document);
  TokenizerParts parts;
  parts.file = document.file();
  parts.merges_field = "model.merges";
  parts.added_field = "added_tokens";
  parts.rules_field = "pre_tokenizer";
  for (const char* key : {"version", "truncation", "padding"}) root.ignore(key);
  check_normalizer(root);
  parts.added = parse_added(root);
  read_model(root.object("model"), parts);
  parts.rules = parse_pre_tokenizer(root.object("pre_tokenizer"));
  read_post_processor(root, parts);
  check_decoder(root);
  root.finish();
  return parts;
}

Tokenizer Tokenizer::from_folder(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "tokenizer.json";
  if (!std::filesystem::exists(path) && std::filesystem::exists(folder / "tokenizer.model")) {
    fail(ErrorKind::kData, {(folder / "tokenizer.model").string(), ""},
         "a SentencePiece model alone", "tokenizer.json",
         "SentencePiece tokenizers are not supported");
  }
  TokenizerParts parts =
      parse_tokenizer_json(Document::parse_json(read_text(path, kMaxFileBytes), path.string()));
  add_tokenizer_config(folder, parts);
  return Tokenizer(std::move(parts));
}

}  // namespace telora
