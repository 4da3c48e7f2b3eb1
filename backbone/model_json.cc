#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "backbone/bpe_chars.h"
#include "backbone/tokenizer_json.h"
#include "backbone/unigram.h"

namespace telora {

namespace {

using Json = nlohmann::ordered_json;

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

std::string vocabulary_field(const std::string& token) {
  return fmt::format("model.vocab[\"{}\"]", printable(token, 60));
}

// Collects spellings by id from the two places of the file that may name them.
class TokenList {
 public:
  // `known`: how many tokens place() will be called for.
  TokenList(const std::string& file, const std::vector<AddedToken>& added, size_t known)
      : file_(file), added_(added), tokens_(2 * (added.size() + known) + 1) {
    for (size_t i = 0; i < added.size(); ++i) place_added(i);
  }

  void place(const std::string& token, const Json& value) {
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

  std::vector<std::string> take() {
    check_gaps();
    return std::move(tokens_);
  }

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

void read_vocabulary(Fields& model, TokenizerParts& parts) {
  const Json& vocabulary = model.raw("vocab");
  if (!vocabulary.is_object()) model.fail("vocab", "no object", "an object of token: id");
  TokenList list(parts.file, parts.added, vocabulary.size());
  for (const auto& [token, id] : vocabulary.items()) list.place(token, id);
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
  parts.bpe.fuse_unknown = json_flag(model, "fuse_unk", false);
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

void read_bpe(Fields& model, bool byte_level, TokenizerParts& parts) {
  check_dropout(model);
  expect_unused(model, "continuing_subword_prefix", "");
  expect_unused(model, "end_of_word_suffix", "");
  if (byte_level) expect_unused(model, "byte_fallback", false);
  parts.bpe.ignore_merges = json_flag(model, "ignore_merges", false);
  read_vocabulary(model, parts);
  read_merges(model, parts);
  read_unknown(model, parts);
  if (byte_level) return;
  const bool byte_fallback = json_flag(model, "byte_fallback", false);
  parts.kind = fmt::format("character BPE, byte fallback {}", byte_fallback);
  parts.model = std::make_unique<CharacterBpe>(*parts.vocabulary, parts.merges, parts.bpe,
                                               byte_fallback, parts.file, parts.merges_field);
}

// `vocab` as a list of [token, score]; the position is the id.
std::vector<double> read_scores(Fields& model, TokenizerParts& parts) {
  const Json& vocabulary = model.raw("vocab");
  if (!vocabulary.is_array() || vocabulary.empty()) {
    model.fail("vocab", "no list", "a list of [token, score]");
  }
  TokenList list(parts.file, parts.added, vocabulary.size());
  std::vector<double> scores;
  for (const Json& entry : vocabulary) {
    const std::string field = fmt::format("model.vocab[{}]", scores.size());
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number()) {
      fail(ErrorKind::kData, {parts.file, field}, printable(to_json(entry)), "[token, score]");
    }
    list.place(entry[0].get_ref<const std::string&>(), scores.size());
    scores.push_back(entry[1].get<double>());
  }
  parts.vocabulary = std::make_unique<Vocabulary>(list.take(), parts.file, "model.vocab");
  return scores;
}

void read_unigram(Fields& model, TokenizerParts& parts) {
  std::vector<double> scores = read_scores(model, parts);
  int32_t unknown = -1;
  if (model.has("unk_id") && !model.is_null("unk_id")) {
    const auto last = static_cast<int64_t>(scores.size()) - 1;
    unknown = static_cast<int32_t>(model.integer("unk_id", {0, last}));
  }
  model.ignore("unk_id");
  const bool byte_fallback = json_flag(model, "byte_fallback", false);
  parts.kind = fmt::format("unigram, unknown {}, byte fallback {}, scores", unknown, byte_fallback);
  for (const double score : scores) parts.kind += fmt::format(" {}", score);
  parts.model = std::make_unique<Unigram>(*parts.vocabulary, std::move(scores), unknown,
                                          byte_fallback, parts.file);
}

}  // namespace

void parse_model(Fields model, const PreTokenizerSteps& steps, TokenizerParts& parts) {
  const std::string type = model.string("type");
  if (type == "BPE") {
    read_bpe(model, steps.byte_level, parts);
  } else if (type == "Unigram") {
    if (steps.byte_level) model.fail("type", "'Unigram' after ByteLevel", "'BPE'");
    read_unigram(model, parts);
  } else {
    model.fail("type", fmt::format("'{}'", printable(type)), "'BPE' or 'Unigram'",
               "tokenizers of other kinds are not supported");
  }
  model.finish();
}

}  // namespace telora
