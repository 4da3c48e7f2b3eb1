#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backbone/added_tokens.h"
#include "backbone/bpe.h"
#include "backbone/pre_tokenizer.h"
#include "backbone/vocabulary.h"

namespace telora {

// What a reader of tokenizer files hands to Tokenizer. The *_field names are for messages.
struct TokenizerParts {
  std::string file;
  std::unique_ptr<Vocabulary> vocabulary;
  std::vector<Merge> merges;
  std::vector<AddedToken> added;
  std::vector<int32_t> padding;  // ascending ids that only fill the vocabulary up
  std::vector<SplitRule> rules;
  BpeOptions bpe;
  std::optional<int32_t> bos, eos, pad;
  std::vector<int32_t> end_of_turn;
  bool add_bos = false;
  bool add_eos = false;
  std::optional<std::string> chat_template;
  std::string merges_field;
  std::string added_field;
  std::string rules_field;
};

}  // namespace telora
