#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"

namespace telora {

// The types of a piece, in SentencePiece models and in tokenizer.ggml.token_type alike.
enum class PieceType { kNormal = 1, kUnknown, kControl, kUserDefined, kUnused, kByte };

struct Piece {
  std::string text;
  float score = 0;
  PieceType type = PieceType::kNormal;
};

// What telora needs of a SentencePiece ModelProto; defaults are those of the format.
struct SentencePieceProto {
  enum class Kind { kUnigram = 1, kBpe = 2 };

  std::vector<Piece> pieces;  // by id
  Kind kind = Kind::kUnigram;
  bool byte_fallback = false;
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
  bool escape_whitespaces = true;
  bool whitespace_as_suffix = false;
  std::string charsmap;  // precompiled normalisation rules, see backbone/charsmap.h
  int64_t bos_id = 1, eos_id = 2, pad_id = -1;
};

// Reads and checks the serialised model `bytes` (the content of `file`), so that nothing that fails
// here reaches the SentencePiece library. Nothing recurses and nothing is allocated beyond the
// size of the input. Throws Error(data) naming the field or the byte: broken wire format, no
// pieces, empty, repeated, overlong or non-UTF-8 ones, scores that are not finite, unknown types,
// no or two unknown pieces, byte pieces that do not fit byte_fallback, a broken charsmap.
SentencePieceProto parse_sentencepiece(std::string_view bytes, const std::string& file);

// The same checks on a model that was not read from such a file; `field` names the list of pieces.
void check_sentencepiece(const SentencePieceProto& proto, const std::string& file,
                         const std::string& field);

// The serialised form for the SentencePiece library.
std::string serialize_sentencepiece(const SentencePieceProto& proto);

}  // namespace telora
