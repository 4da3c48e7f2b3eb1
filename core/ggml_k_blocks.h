#pragma once

#include <cstddef>
#include <cstdint>

// Decoders of ggml's 256-element "K" blocks and of IQ4_NL, each of one block to floats, in the
// order of operations of the gguf package (so that results are equal bit for bit). Layouts:
// ggml-common.h.
namespace telora::ggml {

inline constexpr uint32_t kSuperBlock = 256;  // elements

void decode_q2_k(const std::byte* block, float* out);    // 84 bytes
void decode_q3_k(const std::byte* block, float* out);    // 110 bytes
void decode_q4_k(const std::byte* block, float* out);    // 144 bytes
void decode_q5_k(const std::byte* block, float* out);    // 176 bytes
void decode_q6_k(const std::byte* block, float* out);    // 210 bytes
void decode_iq4_nl(const std::byte* block, float* out);  // 18 bytes, 32 elements

}  // namespace telora::ggml
