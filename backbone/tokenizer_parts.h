#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backbone/added_tokens.h"
#include "backbone/bpe.h"
#include "backbone/detokenizer.h"
#include "backbone/pre_tokenizer.h"
#include "backbone/text_normalizer.h"
#include "backbone/vocabulary.h"

namespace telora {

class GgufFile;

// What a reader of tokenizer files hands to Tokenizer. The *_field names are for messages.
struct TokenizerParts {
  std::string file;
  std::unique_ptr<Vocabulary> vocabulary;
  std::vector<Merge> merges;
  std::vector<AddedToken> added;
  bool added_by_config = false;  // tokenizer_config.json decides which tokens are added ones
  std::vector<int32_t> padding;  // ascending ids that only fill the vocabulary up
  TextNormalizer normalizer;
  std::vector<SplitRule> rules;
  std::optional<Metaspace> metaspace;  // after the rules
  BpeOptions bpe;
  std::unique_ptr<const PieceModel> model;  // null: byte-level BPE with `merges`
  std::string kind = "byte-level BPE 1";    // goes into the digest: all that the others do not say
  DecodeRule decode;
  std::optional<int32_t> bos, eos, pad;
  std::vector<int32_t> end_of_turn;
  bool add_bos = false;
  bool add_eos = false;
  std::optional<std::string> chat_template;
  std::string merges_field;
  std::string added_field;
  std::string rules_field;
};

// What the tokenizer.ggml.* metadata of a GGUF file say. Throws as Tokenizer::from_gguf().
TokenizerParts gguf_tokenizer_parts(const GgufFile& file);

}  // namespace telora
