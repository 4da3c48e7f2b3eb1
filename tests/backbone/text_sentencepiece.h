#pragma once

#include "backbone/sentencepiece_proto.h"
#include "backbone/tokenizer.h"
#include "tests/backbone/text_support.h"

namespace telora::text_tests {

// A small SentencePiece BPE model: <unk>, <s>, </s>, the 256 bytes (ids 3 to 258), then ▁, h, e, l,
// o, he, ll, hell, hello, ▁hello; the joined ones have scores in that order.
SentencePieceProto tiny_sentencepiece();
int32_t piece_id(const SentencePieceProto& proto, const std::string& text);

// Writes `proto` as tokenizer.model of `scratch` and opens it.
Tokenizer open_model(const golden::Scratch& scratch, const SentencePieceProto& proto);

}  // namespace telora::text_tests
