#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace telora {

// One question as token ids.
struct EncodedExample {
  size_t index = 0;                               // of the Example in its data set
  std::vector<int32_t> prompt;                    // with the generation prompt
  std::vector<int32_t> target;                    // the right completion with the end of the turn
  std::vector<std::vector<int32_t>> completions;  // of each option, without the end of the turn
  size_t gold = 0;                                // index of the right option
  bool shortened = false;                         // the question's text was cut to fit max_length
};

// Tokens that all prompts begin with, leaving each prompt at least its last one; 0 for fewer than
// two. They are read once for all rows of a pass.
size_t shared_prompt_tokens(std::span<const EncodedExample* const> rows);

}  // namespace telora
