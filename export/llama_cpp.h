#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace telora {

// What llama.cpp is to say.
struct LlamaCppRequest {
  std::string python = "python3";      // an interpreter with llama-cpp-python
  std::filesystem::path model = {};    // .gguf
  std::filesystem::path adapter = {};  // GGUF adapter; empty: the model alone
  std::vector<std::vector<int32_t>>
      rows;          // token ids; the logits behind their last ones are wanted
  size_t tail = 16;  // how many of each row
  std::vector<std::vector<int32_t>> questions = {};  // token ids that are continued
  std::vector<int32_t> stop = {};                    // ids that end an answer
  int64_t max_new_tokens = 16;
};

struct LlamaCppReply {
  std::string version;                        // of llama-cpp-python
  at::Tensor base_logits;                     // [sum of tails, V] float32, without the adapter
  at::Tensor logits;                          // the same with it
  std::vector<std::vector<int32_t>> answers;  // greedy, without the token that ended them
};

// Throws Error(unavailable) where `python` is no interpreter or has no llama-cpp-python.
void require_llama_cpp(const std::string& python);

// Runs llama.cpp with its own defaults (all cores, cache of keys and values in 16 bits) in a
// process of its own. Throws as require_llama_cpp(), and Error(data) with llama.cpp's reason where
// it refuses a file.
LlamaCppReply ask_llama_cpp(const LlamaCppRequest& request);

}  // namespace telora
