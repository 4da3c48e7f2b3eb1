#pragma once

#include <filesystem>

#include "backbone/sentencepiece_model.h"
#include "backbone/tokenizer_parts.h"

namespace telora {

// Makes vocabulary, special tokens, model and decoding of a checked SentencePiece model; `file` and
// `added_field` (what messages call the list of pieces) of `parts` must be set.
void add_sentencepiece(SentencePieceProto proto, DummyPrefix prefix, TokenizerParts& parts);

// A SentencePiece model file with what the configuration files beside it say of its pieces.
struct ConfiguredSentencePiece {
  SentencePieceProto proto;
  DummyPrefix prefix;
};

// Throws as parse_sentencepiece() and reading the configuration.
ConfiguredSentencePiece read_sentencepiece_file(const std::filesystem::path& file);

// What Tokenizer::from_sentencepiece() is made of.
TokenizerParts sentencepiece_parts(const std::filesystem::path& file);

}  // namespace telora
