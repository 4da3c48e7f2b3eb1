#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backbone/decoder.h"
#include "eval/token_choice.h"

namespace telora {

// An answer that is wanted: to which prompt of a batch, and how its tokens are chosen.
struct AnswerRequest {
  size_t prompt = 0;
  Sampling sampling = {};
  RandomStream random = RandomStream(0);  // not used at temperature 0
};

// What all answers of a batch have in common.
struct GenerationOptions {
  std::span<const int32_t> stop = {};  // tokens that end an answer and are not part of it
  int64_t vocabulary = 0;              // ids from here on are never produced; 0: all may be
  int64_t max_new_tokens = 16;
};

struct Continuation {
  std::vector<int32_t> ids;
  bool stopped = false;  // by a token of `stop`; else by the number of tokens
};

// A prompt whose keys and values lie in a cache.
struct CachedPrompt {
  int64_t begin = 0;  // its first slot
  int64_t length = 0;
  size_t choice = 0;  // of the adapters, where several are attached
};

// Answers to cached prompts, all made together: each step is one forward pass. What answers to one
// prompt have in common is read once, so samples that agree with each other cost no more than one.
class AnswerBatch {
 public:
  // From slot `scratch` on the cache has max_new_tokens slots for every request.
  AnswerBatch(const Decoder& decoder, KeyValueCache& cache, std::span<const CachedPrompt> prompts,
              int64_t scratch, const GenerationOptions& options);

  // One answer a request, in their order. `logits` [prompts, V] float32: behind each prompt's last
  // token. An answer depends on its prompt and its request, not on what is generated beside it.
  std::vector<Continuation> run(const at::Tensor& logits, std::vector<AnswerRequest> requests);

 private:
  // Answers to one prompt that are the same so far.
  struct Branch {
    size_t prompt = 0;
    int64_t slot = 0;  // first of its own in the cache
    std::vector<int32_t> ids;
    std::vector<size_t> requests;
    int64_t logits = 0;  // row of the last pass that tells what follows
  };

  void begin(std::span<const AnswerRequest> requests);
  std::vector<int32_t> choose(const at::Tensor& logits, std::vector<AnswerRequest>& requests) const;
  void advance(std::span<const int32_t> chosen, std::vector<Continuation>& answers);
  std::vector<Branch> split(const Branch& branch, std::span<const int32_t> chosen) const;
  bool finish(const Branch& branch, std::vector<Continuation>& answers) const;
  int64_t new_slot(const Branch& branch);
  void copy_slots();
  at::Tensor read_last_tokens();

  const Decoder& decoder_;
  KeyValueCache& cache_;
  std::span<const CachedPrompt> prompts_;
  int64_t next_slot_;
  GenerationOptions options_;
  std::vector<Branch> branches_;
  std::vector<int64_t> from_, to_;  // slots to copy before the next pass
};

}  // namespace telora
