#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "backbone/decoder_spec.h"

namespace telora::golden {

using Tensors = std::map<std::string, at::Tensor>;

// Models of two blocks (hidden 32, 4 query and 2 key heads of 8, vocabulary 40) whose weights
// follow a formula, so that any program can build them. llama.cpp gives the same logits and losses.
DecoderSpec tiny_llama();                 // rope base 10000, head of its own
DecoderSpec tiny_llama_llama3_scaling();  // rope base 100 with Llama 3 scaling, tied head
DecoderSpec tiny_qwen2();                 // biases on q, k, v
DecoderSpec tiny_qwen3();                 // heads of 12, q and k normalised per head
DecoderSpec tiny_exaone4();               // norms behind each half, Llama 3 scaling
DecoderSpec tiny_granite();               // the four multipliers
DecoderSpec tiny_olmo2();                 // norms behind each half, q and k normalised whole
DecoderSpec tiny_gemma3();                // six blocks, five of them with a window of 4

// Tokens whose logits and next-token loss are known.
std::vector<int64_t> tiny_tokens();

// Float tensor of the formula: with a the sum of the bytes of `name`, element e is
// ((7919 a + 104729 e + 31 e²) mod 65536 - 32768) / 131072, plus 1 in norm.weight; exact in float.
at::Tensor tiny_tensor(const std::string& name, const std::vector<int64_t>& shape);
Tensors tiny_weights(const DecoderSpec& spec);

// LoRA pairs of all seven linears of each block by PEFT's names, A [2, in] and B [out, 2], neither
// zero; meant for alpha 4, a scaling of 2.
inline constexpr int64_t kTinyLoraRank = 2;
inline constexpr double kTinyLoraAlpha = 4;
Tensors tiny_lora(const DecoderSpec& spec);

}  // namespace telora::golden
