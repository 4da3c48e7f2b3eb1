#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace telora {

// Element types of GGUF tensors that telora can decode; the value is the file's code.
enum class GgmlType : uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ5_0 = 6,
  kQ5_1 = 7,
  kQ8_0 = 8,
  kQ2_K = 10,
  kQ3_K = 11,
  kQ4_K = 12,
  kQ5_K = 13,
  kQ6_K = 14,
  kIQ4_NL = 20,
  kBF16 = 30,
};

struct GgmlTypeInfo {
  GgmlType type;
  std::string_view name;
  uint32_t block_elements;
  uint32_t block_bytes;
};

// Empty for a code that is removed, unknown or not decodable here.
std::optional<GgmlTypeInfo> find_ggml_type(uint32_t code);
const GgmlTypeInfo& ggml_type_info(GgmlType type);
// Name of any code of the published table ("Q6_K"), decodable or not; empty if unknown.
std::string_view ggml_type_name(uint32_t code);

// Decodes whole blocks to float, exactly as ggml does. out.size() elements.
void dequantize(GgmlType type, std::span<const std::byte> blocks, std::span<float> out);

float half_to_float(uint16_t bits);  // IEEE binary16
float bfloat16_to_float(uint16_t bits);
uint16_t float_to_bfloat16(float value);  // nearest even, NaN made quiet
uint16_t float_to_half(float value);      // nearest even

}  // namespace telora
