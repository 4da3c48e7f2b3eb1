#include "tests/backbone/text_sentencepiece.h"

#include <fmt/format.h>

#include <algorithm>

namespace telora::text_tests {

SentencePieceProto tiny_sentencepiece() {
  SentencePieceProto proto;
  proto.kind = SentencePieceProto::Kind::kBpe;
  proto.byte_fallback = true;
  proto.remove_extra_whitespaces = false;
  proto.pieces = {{"<unk>", 0, PieceType::kUnknown},
                  {"<s>", 0, PieceType::kControl},
                  {"</s>", 0, PieceType::kControl}};
  for (int byte = 0; byte < 256; ++byte) {
    proto.pieces.push_back({fmt::format("<0x{:02X}>", byte), 0, PieceType::kByte});
  }
  for (const char* text : {"▁", "h", "e", "l", "o", "he", "ll", "hell", "hello", "▁hello"}) {
    const auto order = static_cast<float>(proto.pieces.size());
    proto.pieces.push_back({text, 259 - order, PieceType::kNormal});
  }
  return proto;
}

int32_t piece_id(const SentencePieceProto& proto, const std::string& text) {
  return static_cast<int32_t>(std::ranges::find(proto.pieces, text, &Piece::text) -
                              proto.pieces.begin());
}

Tokenizer open_model(const golden::Scratch& scratch, const SentencePieceProto& proto) {
  write_text(scratch / "tokenizer.model", serialize_sentencepiece(proto));
  return Tokenizer::from_folder(scratch.path());
}

}  // namespace telora::text_tests
