#include "backbone/tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "backbone/parallel.h"
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
        normalizer(std::move(parts.normalizer)),
        added(std::move(parts.added), normalizer),
        pre_tokenizer(std::move(parts.rules), {file, parts.rules_field}),
        metaspace(parts.metaspace),
        model(std::move(parts.model)),
        decode(parts.decode),
        bos(parts.bos),
        eos(parts.eos),
        pad(parts.pad),
        end_of_turn(std::move(parts.end_of_turn)),
        add_bos(parts.add_bos),
        add_eos(parts.add_eos),
        chat_template(std::move(parts.chat_template)) {
    if (!model) {
      model = std::make_unique<Bpe>(*vocabulary, parts.merges, parts.bpe, file, parts.merges_field);
    }
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
  void encode_part(std::string_view text, const TextPart& part, bool first,
                   std::vector<int32_t>& ids) const;
  void encode_normalized(std::string_view text, const TextPart& part,
                         std::span<const TextRange> plain, std::vector<int32_t>& ids) const;
  void append_text(int32_t id, bool& at_start, std::string& out) const;

  std::string file;
  std::unique_ptr<const Vocabulary> vocabulary;
  std::string digest;
  TextNormalizer normalizer;
  AddedTokens added;
  PreTokenizer pre_tokenizer;
  std::optional<Metaspace> metaspace;
  std::unique_ptr<const PieceModel> model;
  DecodeRule decode;
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
  if (normalizer.empty()) {
    for (const TextPart& part : added.split(text, plain)) {
      encode_part(text, part, part.range.begin == 0, ids);
    }
    return ids;
  }
  for (const TextPart& part : added.split_raw(text, plain)) {
    if (part.id >= 0) {
      ids.push_back(part.id);
    } else {
      encode_normalized(text, part, plain, ids);
    }
  }
  return ids;
}

// Where normalised text has a byte of `plain` text is not known, so a stretch that touches any is
// searched for no control tokens that stand for normalised text.
void Tokenizer::State::encode_normalized(std::string_view text, const TextPart& part,
                                         std::span<const TextRange> plain,
                                         std::vector<int32_t>& ids) const {
  const auto [begin, end] = part.range;
  const std::string normal = normalizer.run(text.substr(begin, end - begin));
  const auto after = std::ranges::upper_bound(plain, begin, {}, &TextRange::end);
  std::vector<TextRange> all_plain;
  if (after != plain.end() && after->begin < end) all_plain.push_back({0, normal.size()});
  for (const TextPart& inner : added.split_normalized(normal, all_plain)) {
    encode_part(normal, inner, begin == 0 && inner.range.begin == 0, ids);
  }
}

// `first`: the part begins the whole text.
void Tokenizer::State::encode_part(std::string_view text, const TextPart& part, bool first,
                                   std::vector<int32_t>& ids) const {
  if (part.id >= 0) return ids.push_back(part.id);
  const std::string_view stretch = text.substr(part.range.begin, part.range.end - part.range.begin);
  for (const std::string_view piece : pre_tokenizer.split(stretch)) {
    const bool leads = first && piece.data() == stretch.data();
    if (!metaspace) {
      model->encode(piece, leads, ids);
      continue;
    }
    const std::string marked = with_space_marks(*metaspace, piece, leads);
    if (!metaspace->split) {
      model->encode(marked, leads, ids);
      continue;
    }
    for (const std::string_view word : split_at_space_marks(marked)) {
      model->encode(word, leads, ids);
    }
  }
}

std::vector<int32_t> Tokenizer::encode(std::string_view text) const {
  return state_->encode(text, {});
}

std::vector<std::vector<int32_t>> Tokenizer::encode_batch(
    std::span<const std::string> texts) const {
  std::vector<std::vector<int32_t>> ids(texts.size());
  parallel_for(0, static_cast<int64_t>(texts.size()), 16, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
      ids[i] = encode(texts[i]);
    }
  });
  return ids;
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

// A token that is looked for in normalised text stands for its normalised content, as in the
// tokenizers library.
void Tokenizer::State::append_text(int32_t id, bool& at_start, std::string& out) const {
  const AddedToken* token = added.find(id);
  const std::string_view spelled = vocabulary->text(id);
  if (token != nullptr && token->normalized && !normalizer.empty()) {
    append_decoded(decode, normalizer.run(spelled), true, at_start, out);
  } else {
    append_decoded(decode, spelled, token != nullptr, at_start, out);
  }
}

std::string Tokenizer::bytes_of(int32_t id) const {
  state_->check_id(id);
  std::string out;
  bool at_start = false;
  state_->append_text(id, at_start, out);
  return out;
}

std::string Tokenizer::decode(std::span<const int32_t> ids, bool skip_special) const {
  std::string bytes;
  bool at_start = true;
  for (const int32_t id : ids) {
    state_->check_id(id);
    if (!skip_special || !is_special(id)) state_->append_text(id, at_start, bytes);
  }
  return replace_invalid_utf8(bytes);
}

std::string TokenStream::push(int32_t id) {
  tokenizer_.state_->check_id(id);
  if (skip_special_ && tokenizer_.is_special(id)) return {};
  std::string bytes;
  tokenizer_.state_->append_text(id, at_start_, bytes);
  return stream_.push(bytes);
}

std::string TokenStream::finish() {
  at_start_ = true;
  return stream_.finish();
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
