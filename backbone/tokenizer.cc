#include "backbone/tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "backbone/byte_level.h"
#include "backbone/tokenizer_digest.h"
#include "backbone/tokenizer_parts.h"
#include "core/error.h"
#include "core/text.h"

namespace telora {

namespace {

constexpr size_t kMaxAddedBytes = 1024;

[[noreturn]] void fail_added(const TokenizerParts& parts, size_t index, std::string_view found,
                             std::string_view want) {
  fail(ErrorKind::kData, {parts.file, fmt::format("{}[{}]", parts.added_field, index)}, found,
       want);
}

void check_added(const TokenizerParts& parts) {
  std::set<int32_t> ids;
  for (size_t i = 0; i < parts.added.size(); ++i) {
    const AddedToken& token = parts.added[i];
    if (token.content.empty() || token.content.size() > kMaxAddedBytes) {
      fail_added(parts, i, fmt::format("content of {} bytes", token.content.size()),
                 fmt::format("1 to {}", kMaxAddedBytes));
    }
    if (parts.vocabulary->find(token.content) != token.id) {
      fail_added(parts, i, fmt::format("'{}' with id {}", printable(token.content), token.id),
                 "the id that the vocabulary has for it");
    }
    if (!ids.insert(token.id).second) {
      fail_added(parts, i, fmt::format("id {} again", token.id), "every added token once");
    }
  }
}

}  // namespace

struct Tokenizer::State {
  explicit State(TokenizerParts parts)
      : file(std::move(parts.file)),
        vocabulary(std::move(parts.vocabulary)),
        digest(tokenizer_digest(*vocabulary, parts)),
        added(std::move(parts.added)),
        pre_tokenizer(std::move(parts.rules), {file, parts.rules_field}),
        bpe(*vocabulary, parts.merges, parts.bpe, file, parts.merges_field),
        bos(parts.bos),
        eos(parts.eos),
        pad(parts.pad),
        end_of_turn(std::move(parts.end_of_turn)),
        add_bos(parts.add_bos),
        add_eos(parts.add_eos),
        chat_template(std::move(parts.chat_template)) {
    if (eos) end_of_turn.push_back(*eos);
    std::ranges::sort(end_of_turn);
    end_of_turn.erase(std::unique(end_of_turn.begin(), end_of_turn.end()), end_of_turn.end());
  }

  void check_id(int32_t id) const {
    if (id >= 0 && id < vocabulary->size()) return;
    fail(ErrorKind::kData, {file, "token id"}, std::to_string(id),
         fmt::format("0 to {}", vocabulary->size() - 1));
  }

  std::vector<int32_t> encode(std::string_view text, std::span<const TextRange> plain) const;
  void append_bytes(int32_t id, std::string& out) const;

  std::string file;
  std::unique_ptr<const Vocabulary> vocabulary;
  std::string digest;
  AddedTokens added;
  PreTokenizer pre_tokenizer;
  Bpe bpe;
  std::optional<int32_t> bos, eos, pad;
  std::vector<int32_t> end_of_turn;
  bool add_bos, add_eos;
  std::optional<std::string> chat_template;
};

Tokenizer::Tokenizer(TokenizerParts parts) {
  check_added(parts);
  state_ = std::make_shared<State>(std::move(parts));
}

std::vector<int32_t> Tokenizer::State::encode(std::string_view text,
                                              std::span<const TextRange> plain) const {
  const size_t invalid = find_invalid_utf8(text);
  if (invalid != std::string_view::npos) {
    fail(ErrorKind::kData, {.file = "text", .field = {}, .byte = invalid},
         printable(text.substr(invalid, 4)), "valid UTF-8");
  }
  std::vector<int32_t> ids;
  ids.reserve(text.size() / 3);
  for (const TextPart& part : added.split(text, plain)) {
    if (part.id >= 0) {
      ids.push_back(part.id);
      continue;
    }
    const auto& [begin, end] = part.range;
    for (const std::string_view piece : pre_tokenizer.split(text.substr(begin, end - begin))) {
      bpe.encode(*vocabulary, piece, ids);
    }
  }
  return ids;
}

std::vector<int32_t> Tokenizer::encode(std::string_view text) const {
  return state_->encode(text, {});
}

std::vector<int32_t> Tokenizer::encode(const std::vector<Segment>& segments) const {
  std::string text;
  std::vector<TextRange> plain;
  for (const Segment& segment : segments) {
    const size_t begin = text.size();
    text += segment.text;
    if (!segment.special && text.size() > begin) plain.push_back({begin, text.size()});
  }
  return state_->encode(text, plain);
}

// An added token stands for its content; other spellings outside the byte alphabet for themselves.
void Tokenizer::State::append_bytes(int32_t id, std::string& out) const {
  const std::string_view spelled = vocabulary->text(id);
  if (added.find(id) != nullptr) {
    out += spelled;
  } else {
    out += from_byte_alphabet(spelled).value_or(std::string(spelled));
  }
}

std::string Tokenizer::bytes_of(int32_t id) const {
  state_->check_id(id);
  std::string out;
  state_->append_bytes(id, out);
  return out;
}

std::string Tokenizer::decode(std::span<const int32_t> ids, bool skip_special) const {
  std::string bytes;
  for (const int32_t id : ids) {
    state_->check_id(id);
    if (!skip_special || !is_special(id)) state_->append_bytes(id, bytes);
  }
  return replace_invalid_utf8(bytes);
}

std::string TokenStream::push(int32_t id) {
  const std::string bytes = tokenizer_.bytes_of(id);
  if (skip_special_ && tokenizer_.is_special(id)) return {};
  return stream_.push(bytes);
}

int64_t Tokenizer::size() const { return state_->vocabulary->size(); }

std::optional<int32_t> Tokenizer::id_of(std::string_view token) const {
  return state_->vocabulary->find(token);
}

std::string Tokenizer::token(int32_t id) const {
  state_->check_id(id);
  return std::string(state_->vocabulary->text(id));
}

bool Tokenizer::is_special(int32_t id) const {
  const AddedToken* token = state_->added.find(id);
  return token != nullptr && token->special;
}

std::optional<int32_t> Tokenizer::bos_id() const { return state_->bos; }
std::optional<int32_t> Tokenizer::eos_id() const { return state_->eos; }
std::optional<int32_t> Tokenizer::pad_id() const { return state_->pad; }
bool Tokenizer::add_bos() const { return state_->add_bos; }
bool Tokenizer::add_eos() const { return state_->add_eos; }
std::vector<int32_t> Tokenizer::end_of_turn_ids() const { return state_->end_of_turn; }
std::optional<std::string> Tokenizer::chat_template() const { return state_->chat_template; }
std::string Tokenizer::digest() const { return state_->digest; }
const std::string& Tokenizer::name() const { return state_->file; }

}  // namespace telora
