#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backbone/decoder.h"
#include "eval/encoded_example.h"

namespace telora {

// Natural-log probabilities of one question's completions, given its prompt.
struct CandidateScores {
  std::vector<double> options;  // of each option's completion, summed over its tokens
  double target = 0;            // of the right completion with the end of the turn
  int64_t target_tokens = 0;
};

// Several prompts read once, without padding, what all begin with only once: their keys and values
// serve every option and the generated answer. No gradient.
class PromptBatch {
 public:
  // Reads the prompts (one forward pass). The examples must outlive the batch.
  PromptBatch(const Decoder& decoder, std::span<const EncodedExample> examples,
              int64_t max_new_tokens);

  // One forward pass over what follows the prompts; tokens that all completions of a row share are
  // read once.
  std::vector<CandidateScores> score_candidates();

  // Greedy continuation of each prompt up to and without a token of `stop`, at most max_new_tokens.
  std::vector<std::vector<int32_t>> generate(std::span<const int32_t> stop);

 private:
  void copy_prefix(int64_t shared);
  const Decoder& decoder_;
  std::span<const EncodedExample> examples_;
  int64_t max_new_tokens_;
  std::vector<int64_t> begins_;  // first cache slot of each row
  int64_t scratch_ = 0;          // first cache slot behind all rows
  KeyValueCache cache_;
  at::Tensor last_logits_;  // [rows, V] float32, behind each prompt's last token
};

}  // namespace telora
