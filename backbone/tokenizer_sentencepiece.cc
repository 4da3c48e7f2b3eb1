#include <fmt/format.h>

#include <algorithm>

#include "backbone/sentencepiece_model.h"
#include "backbone/sentencepiece_parts.h"
#include "backbone/tokenizer.h"
#include "backbone/tokenizer_json.h"
#include "core/digest.h"
#include "core/files.h"

namespace telora {

namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxFileBytes = 256 << 20;

std::optional<int32_t> named_id(int64_t id) {
  if (id < 0) return std::nullopt;
  return static_cast<int32_t>(id);
}

// `legacy: false`: only text at the very beginning gets the prefix.
DummyPrefix read_prefix(Fields& config) {
  const bool given = config.has("legacy") && !config.is_null("legacy");
  return given && !config.boolean("legacy") ? DummyPrefix::kFirstStretch
                                            : DummyPrefix::kEveryStretch;
}

// The library finds user-defined pieces in any text. Those that the configuration calls special
// must not be found in what a user wrote, so they become control pieces, which our own search
// finds.
void protect_special_pieces(Fields& config, SentencePieceProto& proto) {
  if (!config.has("added_tokens_decoder")) return;
  Fields list = config.object("added_tokens_decoder");
  for (const std::string& key : list.keys()) {
    Fields entry = list.object(key);
    if (!json_flag(entry, "special", false)) continue;
    const auto piece = std::ranges::find(proto.pieces, entry.string("content"), &Piece::text);
    if (piece != proto.pieces.end() && piece->type == PieceType::kUserDefined) {
      piece->type = PieceType::kControl;
    }
  }
}

DummyPrefix apply_config(const fs::path& folder, SentencePieceProto& proto) {
  const fs::path path = folder / "tokenizer_config.json";
  if (!fs::exists(path)) return DummyPrefix::kEveryStretch;
  Fields config(Document::parse_json(read_text(path), path.string(), 1, ErrorKind::kData, true));
  protect_special_pieces(config, proto);
  return read_prefix(config);
}

}  // namespace

void add_sentencepiece(SentencePieceProto proto, DummyPrefix prefix, TokenizerParts& parts) {
  std::vector<std::string> tokens;
  for (const Piece& piece : proto.pieces) {
    const auto id = static_cast<int32_t>(tokens.size());
    tokens.push_back(piece.text);
    if (piece.type == PieceType::kControl || piece.type == PieceType::kUnknown) {
      parts.added.push_back({.id = id, .content = piece.text, .special = true});
    }
  }
  parts.vocabulary = std::make_unique<Vocabulary>(tokens, parts.file, parts.added_field);
  if (proto.whitespace_as_suffix) {
    fail(ErrorKind::kData, {parts.file, "trainer_spec.treat_whitespace_as_suffix"}, "true", "false",
         "spaces behind words are not supported");
  }
  parts.kind = fmt::format("SentencePiece, prefix {}, model {}", static_cast<int>(prefix),
                           sha256(serialize_sentencepiece(proto)));
  parts.decode = {.byte_level = false, .byte_pieces = proto.byte_fallback, .space_mark = true};
  if (proto.add_dummy_prefix || proto.remove_extra_whitespaces) {
    parts.decode.leading = DecodeRule::Leading::kDropOne;
  }
  parts.model = std::make_unique<SentencePieceModel>(std::move(proto), prefix, parts.file);
}

ConfiguredSentencePiece read_sentencepiece_file(const fs::path& file) {
  SentencePieceProto proto = parse_sentencepiece(read_text(file, kMaxFileBytes), file.string());
  const DummyPrefix prefix = apply_config(file.parent_path(), proto);
  return {std::move(proto), prefix};
}

TokenizerParts sentencepiece_parts(const fs::path& file) {
  TokenizerParts parts;
  parts.file = file.string();
  parts.added_field = "pieces";
  parts.added_by_config = true;
  auto [proto, prefix] = read_sentencepiece_file(file);
  parts.bos = named_id(proto.bos_id);
  parts.eos = named_id(proto.eos_id);
  parts.pad = named_id(proto.pad_id);
  parts.add_bos = parts.bos.has_value();  // as the tokenizer classes of Llama and Gemma do
  add_sentencepiece(std::move(proto), prefix, parts);
  add_tokenizer_config(file.parent_path(), parts);
  return parts;
}

Tokenizer Tokenizer::from_sentencepiece(const fs::path& file) {
  return Tokenizer(sentencepiece_parts(file));
}

}  // namespace telora
