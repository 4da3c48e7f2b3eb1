#pragma once

#include "backbone/sentencepiece_model.h"
#include "backbone/tokenizer_parts.h"

namespace telora {

// Makes vocabulary, special tokens, model and decoding of a checked SentencePiece model; `file` and
// `added_field` (what messages call the list of pieces) of `parts` must be set.
void add_sentencepiece(SentencePieceProto proto, DummyPrefix prefix, TokenizerParts& parts);

}  // namespace telora
