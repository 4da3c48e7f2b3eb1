#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace telora {

// What parity checks compare: the model's view of one token row.
struct TokenLogits {
  double loss = 0;          // mean next-token loss over the row, nats; 0 for a single token
  std::vector<float> last;  // logits [V] behind the last token
};

// Throws Error(usage) naming --tokens for no token or an id outside the vocabulary.
void check_token_ids(const std::vector<int32_t>& tokens, int64_t vocab);

// Runs `tokens` through a backbone, with the adapter in `adapter_folder` if that is not empty.
// precision: f32 or bf16. Throws Error(usage) for no token or an id outside the vocabulary, and
// what loading throws.
TokenLogits token_logits(const std::string& backbone, const std::string& adapter_folder,
                         const std::string& precision, const std::vector<int32_t>& tokens,
                         at::Device device = at::kCPU);

}  // namespace telora
