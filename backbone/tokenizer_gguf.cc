#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>

#include "backbone/sentencepiece_parts.h"
#include "backbone/tokenizer.h"
#include "backbone/tokenizer_parts.h"
#include "core/error.h"
#include "core/gguf.h"
#include "core/text.h"

namespace telora {

namespace {

constexpr char kTokens[] = "tokenizer.ggml.tokens";
constexpr char kTypes[] = "tokenizer.ggml.token_type";
constexpr char kScores[] = "tokenizer.ggml.scores";
constexpr char kMerges[] = "tokenizer.ggml.merges";
constexpr char kPre[] = "tokenizer.ggml.pre";
constexpr char kModel[] = "tokenizer.ggml.model";

// What an id of tokenizer.ggml.pre stands for (llama.cpp's table).
struct PreTokenizerKind {
  std::string_view id;
  std::vector<SplitRule> rules;
  bool ignore_merges = false;
  bool add_bos = false;  // unless the file says otherwise
};

// Of the kind `default`, besides GPT-2's.
const SplitRule kPunctuationSplit = {R"([\p{P}\$\+<=>\^~\|]+)"};
const SplitRule kNumberRunSplit = {R"(\p{N}+)"};
const SplitRule kThreeDigitSplit = {"[0-9][0-9][0-9]"};

const std::vector<PreTokenizerKind>& pre_tokenizer_kinds() {
  static const std::vector<PreTokenizerKind> kinds = {
      {"smollm", {kDigitSplit, kGpt2Split}},
      {"refact", {kDigitSplit, kGpt2Split}},
      {"gpt-2", {kGpt2Split}},
      {"exaone4", {kGpt2Split}},
      {"olmo", {kGpt2Split}},
      {"llama-bpe", {kLlama3Split}, true, true},
      {"dbrx", {kLlama3Split}},
      {"qwen2", {kQwen2Split}},
      {"default", {kPunctuationSplit, kGpt2Split, kNumberRunSplit, kThreeDigitSplit}},
  };
  return kinds;
}

const PreTokenizerKind& find_kind(const GgufFile& file) {
  const std::string id = file.string(kPre);
  std::vector<std::string> known;
  for (const PreTokenizerKind& kind : pre_tokenizer_kinds()) {
    if (kind.id == id) return kind;
    known.emplace_back(kind.id);
  }
  const std::string near = nearest(id, known);
  fail(ErrorKind::kData, {file.name(), kPre}, fmt::format("'{}'", printable(id)),
       fmt::format("one of {}", fmt::join(known, ", ")),
       near.empty() ? "" : fmt::format("did you mean '{}'?", near));
}

// Whether the tokenizer is SentencePiece's; otherwise it is byte-level BPE.
bool is_sentencepiece(const GgufFile& file) {
  const std::string model = file.string(kModel);
  if (model == "gpt2" || model == "llama") return model == "llama";
  fail(ErrorKind::kData, {file.name(), kModel}, fmt::format("'{}'", printable(model)),
       "'gpt2' (byte-level BPE) or 'llama' (SentencePiece BPE)",
       "tokenizers of other kinds are not supported");
}

void check_length(const GgufFile& file, const char* key, size_t found, size_t tokens) {
  if (found == tokens) return;
  fail(ErrorKind::kData, {file.name(), key}, fmt::format("{} entries", found),
       fmt::format("{}, one for each of {}", tokens, kTokens));
}

std::string token_field(size_t index) { return fmt::format("{}[{}]", kTokens, index); }

bool is_byte_token(std::string_view text) {
  return text.size() == 6 && text.starts_with("<0x") && text[5] == '>' &&
         std::isxdigit(static_cast<unsigned char>(text[3])) &&
         std::isxdigit(static_cast<unsigned char>(text[4]));
}

// Byte tokens belong to SentencePiece; a byte-level vocabulary spells bytes in its own alphabet.
[[noreturn]] void refuse_byte_token(const GgufFile& file, size_t index, const std::string& text) {
  if (!is_byte_token(text)) {
    fail(ErrorKind::kData, {file.name(), token_field(index)},
         fmt::format("byte token '{}'", printable(text)), "<0x00> to <0xFF>");
  }
  fail(ErrorKind::kData, {file.name(), fmt::format("{}[{}]", kTypes, index)}, "6 (byte)",
       "1 to 5 in a byte-level vocabulary");
}

[[noreturn]] void fail_type(const GgufFile& file, size_t index, int64_t type) {
  fail(ErrorKind::kData, {file.name(), fmt::format("{}[{}]", kTypes, index)}, std::to_string(type),
       "1 to 6");
}

void add_token(const GgufFile& file, size_t index, int64_t type, const std::string& text,
               TokenizerParts& parts) {
  const auto id = static_cast<int32_t>(index);
  using enum PieceType;
  switch (static_cast<PieceType>(type)) {
    case kNormal:
      return;
    case kUnknown:
    case kControl:
      parts.added.push_back({.id = id, .content = text, .special = true});
      return;
    case kUserDefined:
      parts.added.push_back({.id = id, .content = text});
      return;
    case kUnused:
      parts.padding.push_back(id);
      return;
    case kByte:
      refuse_byte_token(file, index, text);
    default:
      fail_type(file, index, type);
  }
}

void read_vocabulary(const GgufFile& file, TokenizerParts& parts) {
  const std::vector<std::string>& tokens = file.strings(kTokens);
  const std::vector<int64_t> types = file.integers(kTypes);
  check_length(file, kTypes, types.size(), tokens.size());
  if (file.has(kScores)) check_length(file, kScores, file.numbers(kScores).size(), tokens.size());
  parts.vocabulary = std::make_unique<Vocabulary>(tokens, file.name(), kTokens);
  for (size_t i = 0; i < tokens.size(); ++i) add_token(file, i, types[i], tokens[i], parts);
}

void read_merges(const GgufFile& file, TokenizerParts& parts) {
  const std::vector<std::string>& merges = file.strings(kMerges);
  parts.merges.reserve(merges.size());
  for (size_t i = 0; i < merges.size(); ++i) {
    parts.merges.push_back(
        parse_merge(*parts.vocabulary, merges[i], file.name(), fmt::format("{}[{}]", kMerges, i)));
  }
}

std::optional<int32_t> read_id(const GgufFile& file, std::string_view name,
                               const Vocabulary& vocabulary) {
  const std::string key = fmt::format("tokenizer.ggml.{}_token_id", name);
  if (!file.has(key)) return std::nullopt;
  return static_cast<int32_t>(file.integer(key, 0, vocabulary.size() - 1));
}

void read_named_tokens(const GgufFile& file, TokenizerParts& parts) {
  const Vocabulary& vocabulary = *parts.vocabulary;
  parts.bos = read_id(file, "bos", vocabulary);
  parts.eos = read_id(file, "eos", vocabulary);
  parts.pad = read_id(file, "padding", vocabulary);
  for (const char* name : {"eot", "eom"}) {
    if (const auto id = read_id(file, name, vocabulary)) parts.end_of_turn.push_back(*id);
  }
  for (const char* name : {"unknown", "seperator", "mask"}) read_id(file, name, vocabulary);
}

bool read_flag(const GgufFile& file, const char* key, bool otherwise) {
  return file.has(key) ? file.boolean(key) : otherwise;
}

// The pieces; user-defined ones are found in the text as it is, before spaces are spelled ▁.
std::vector<Piece> read_pieces(const GgufFile& file, TokenizerParts& parts) {
  const std::vector<std::string>& tokens = file.strings(kTokens);
  const std::vector<int64_t> types = file.integers(kTypes);
  const std::vector<double> scores = file.numbers(kScores);
  check_length(file, kTypes, types.size(), tokens.size());
  check_length(file, kScores, scores.size(), tokens.size());
  std::vector<Piece> pieces;
  pieces.reserve(tokens.size());
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (types[i] < 1 || types[i] > 6) fail_type(file, i, types[i]);
    const auto type = static_cast<PieceType>(types[i]);
    if (type == PieceType::kUserDefined) {
      parts.added.push_back({.id = static_cast<int32_t>(i), .content = tokens[i]});
    }
    pieces.push_back({tokens[i], static_cast<float>(scores[i]), type});
  }
  return pieces;
}

// llama.cpp reads no more than this of a SentencePiece model, so the rest has these values.
void read_sentencepiece(const GgufFile& file, TokenizerParts& parts) {
  constexpr char kCharsmap[] = "tokenizer.ggml.precompiled_charsmap";
  if (file.has(kCharsmap)) {
    fail(ErrorKind::kData, {file.name(), kCharsmap}, "normalisation rules", "none",
         "this would change token ids and is not supported");
  }
  SentencePieceProto proto;
  proto.kind = SentencePieceProto::Kind::kBpe;
  proto.pieces = read_pieces(file, parts);
  proto.byte_fallback = std::ranges::count(proto.pieces, PieceType::kByte, &Piece::type) > 0;
  proto.add_dummy_prefix = read_flag(file, "tokenizer.ggml.add_space_prefix", true);
  proto.remove_extra_whitespaces =
      read_flag(file, "tokenizer.ggml.remove_extra_whitespaces", false);
  check_sentencepiece(proto, file.name(), kTokens);
  add_sentencepiece(std::move(proto), DummyPrefix::kEveryStretch, parts);
  parts.add_bos = true;
}

void read_byte_level(const GgufFile& file, TokenizerParts& parts) {
  const PreTokenizerKind& kind = find_kind(file);
  parts.rules = kind.rules;
  parts.bpe.ignore_merges = kind.ignore_merges;
  parts.add_bos = kind.add_bos;
  read_vocabulary(file, parts);
  read_merges(file, parts);
}

}  // namespace

TokenizerParts gguf_tokenizer_parts(const GgufFile& file) {
  TokenizerParts parts;
  parts.file = file.name();
  parts.merges_field = kMerges;
  parts.added_field = kTokens;
  parts.rules_field = kPre;
  is_sentencepiece(file) ? read_sentencepiece(file, parts) : read_byte_level(file, parts);
  read_named_tokens(file, parts);
  parts.add_bos = read_flag(file, "tokenizer.ggml.add_bos_token", parts.add_bos);
  parts.add_eos = read_flag(file, "tokenizer.ggml.add_eos_token", false);
  constexpr char kTemplate[] = "tokenizer.chat_template";
  if (file.has(kTemplate)) parts.chat_template = file.string(kTemplate);
  return parts;
}

Tokenizer Tokenizer::from_gguf(const GgufFile& file) {
  return Tokenizer(gguf_tokenizer_parts(file));
}

}  // namespace telora
