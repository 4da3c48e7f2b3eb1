#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "eval/token_choice.h"

namespace telora {

// What to continue: questions of a user, or one row of token ids as it is.
struct GenerateRequest {
  std::string backbone;
  std::string adapter;  // folder; empty = the base model
  std::string precision = "f32";
  std::string device = "cpu";          // cpu or cuda
  std::string chat_template;           // empty = by the model's own
  std::vector<std::string> questions;  // each inside the chat template
  std::vector<int32_t> tokens;         // used if there are no questions; no tokenizer is read then
  int64_t max_new_tokens = 128;
  Sampling sampling;
  uint64_t seed = 42;
};

struct GeneratedAnswer {
  std::vector<int32_t> prompt;
  std::vector<int32_t> ids;
  std::string text;      // empty for a row of token ids
  bool stopped = false;  // by a token that ends a turn
};

// One answer a question, all in one batch; question i draws as item "i". Throws Error(usage) for
// nothing to continue, token ids outside the vocabulary and sampling out of range, and what loading
// throws.
std::vector<GeneratedAnswer> generate_answers(const GenerateRequest& request);

}  // namespace telora
