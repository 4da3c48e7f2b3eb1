#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backbone/decoder.h"
#include "eval/continuation.h"
#include "eval/encoded_example.h"

namespace telora {

// Enough for matrix products at full speed, and a quarter of the memory that all prompts of a batch
// would take at once.
inline constexpr int64_t kPromptTokensPerPass = 1024;

// Natural-log probabilities of one question's completions, given its prompt.
struct CandidateScores {
  std::vector<double> options;  // of each option's completion, summed over its tokens
  double target = 0;            // of the right completion with the end of the turn
  int64_t target_tokens = 0;
};

// A prompt of a batch, and which adapter answers it where several are attached
// (adapters/adapter_mix.h).
struct PromptRow {
  const EncodedExample* example = nullptr;
  size_t choice = 0;
};

// Several prompts read once, without padding, what all begin with only once: their keys and values
// serve every option and every generated answer. No gradient.
class PromptBatch {
 public:
  // The same rows for one adapter, or for each of `choices` adapters one after the other.
  static std::vector<PromptRow> rows_of(std::span<const EncodedExample> examples,
                                        size_t choices = 1);

  // Reads the prompts, at most `tokens_per_pass` tokens (or one prompt) in a forward pass.
  // `answer_tokens`: room for the answers to one prompt, the sum of their greatest lengths. Rows of
  // one choice stand together; the examples must outlive the batch.
  PromptBatch(const Decoder& decoder, std::vector<PromptRow> rows, int64_t answer_tokens,
              int64_t tokens_per_pass = kPromptTokensPerPass);

  // One forward pass over what follows the prompts; tokens that all completions of a row share are
  // read once.
  std::vector<CandidateScores> score_candidates();

  // An answer a request, all made together (eval/continuation.h). May be called again. Throws
  // Error(internal) where there is no room for so many answers of options.max_new_tokens.
  std::vector<Continuation> generate(const GenerationOptions& options,
                                     std::vector<AnswerRequest> requests);

 private:
  // Rows of one choice, and what their prompts begin with, which is read once.
  struct Group {
    size_t first = 0;
    size_t count = 0;
    int64_t shared = 0;  // tokens
    int64_t begin = 0;   // their first slot
  };
  void lay_out(int64_t answer_tokens);
  void read_prompts(int64_t tokens_per_pass);
  void copy_prefix(const Group& group);

  const Decoder& decoder_;
  std::vector<PromptRow> rows_;
  std::vector<Group> groups_;
  std::vector<CachedPrompt> prompts_;
  int64_t scratch_ = 0;  // first cache slot behind all rows
  int64_t slots_ = 0;    // of the whole cache
  KeyValueCache cache_;
  at::Tensor last_logits_;  // [rows, V] float32, behind each prompt's last token
};

}  // namespace telora
