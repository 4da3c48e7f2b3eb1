#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backbone/decoder.h"
#include "eval/cached_forward.h"
#include "eval/encoded_example.h"
#include "eval/sampling.h"

namespace telora {

// Natural-log probabilities of one question's completions, given its prompt.
struct CandidateScores {
  std::vector<double> options;  // of each option's completion, summed over its tokens
  double target = 0;            // of the right completion with the end of the turn
  int64_t target_tokens = 0;
};

// How answers are generated.
struct GenerationOptions {
  std::span<const int32_t> stop = {};  // tokens that end an answer and are not part of it
  int64_t vocabulary = 0;              // ids from here on are never produced; 0: all may be
  Sampling sampling = {};
  uint64_t seed = 42;  // of all items; not used at temperature 0
};

struct Continuation {
  std::vector<int32_t> ids;
  bool stopped = false;  // by a token of `stop`; else by the number of tokens
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

  // A continuation of each prompt, at most max_new_tokens long. `items` name the prompts: an item's
  // random numbers depend on seed and name alone (eval/sampling.h); may be empty at temperature 0.
  // May be called again, with another seed for another sample.
  std::vector<Continuation> generate(const GenerationOptions& options,
                                     std::span<const std::string> items);

 private:
  void copy_prefix(int64_t shared);
  std::vector<size_t> take(std::span<const int32_t> chosen, std::span<const size_t> active,
                           std::span<const int32_t> stop, std::vector<Continuation>& outputs,
                           CachedForward& forward) const;
  const Decoder& decoder_;
  std::span<const EncodedExample> examples_;
  int64_t max_new_tokens_;
  std::vector<int64_t> begins_;  // first cache slot of each row
  int64_t scratch_ = 0;          // first cache slot behind all rows
  KeyValueCache cache_;
  at::Tensor last_logits_;  // [rows, V] float32, behind each prompt's last token
};

}  // namespace telora
