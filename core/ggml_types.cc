#include "core/ggml_types.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "core/error.h"
#include "core/ggml_k_blocks.h"

namespace telora {

static_assert(std::endian::native == std::endian::little, "the formats store little-endian values");

namespace {

constexpr uint32_t kBlock = 32;  // elements of the simple quantised blocks
constexpr uint32_t kHalfBlock = kBlock / 2;

constexpr std::array<GgmlTypeInfo, 14> kDecodable{{
    {GgmlType::kF32, "F32", 1, 4},
    {GgmlType::kF16, "F16", 1, 2},
    {GgmlType::kQ4_0, "Q4_0", kBlock, 18},
    {GgmlType::kQ4_1, "Q4_1", kBlock, 20},
    {GgmlType::kQ5_0, "Q5_0", kBlock, 22},
    {GgmlType::kQ5_1, "Q5_1", kBlock, 24},
    {GgmlType::kQ8_0, "Q8_0", kBlock, 34},
    {GgmlType::kQ2_K, "Q2_K", ggml::kSuperBlock, 84},
    {GgmlType::kQ3_K, "Q3_K", ggml::kSuperBlock, 110},
    {GgmlType::kQ4_K, "Q4_K", ggml::kSuperBlock, 144},
    {GgmlType::kQ5_K, "Q5_K", ggml::kSuperBlock, 176},
    {GgmlType::kQ6_K, "Q6_K", ggml::kSuperBlock, 210},
    {GgmlType::kIQ4_NL, "IQ4_NL", kBlock, 18},
    {GgmlType::kBF16, "BF16", 1, 2},
}};

// By code; the empty ones were removed from the format.
constexpr std::array<std::string_view, 43> kNames{
    "F32",     "F16",   "Q4_0",   "Q4_1",  "",      "",       "Q5_0", "Q5_1",    "Q8_0",
    "Q8_1",    "Q2_K",  "Q3_K",   "Q4_K",  "Q5_K",  "Q6_K",   "Q8_K", "IQ2_XXS", "IQ2_XS",
    "IQ3_XXS", "IQ1_S", "IQ4_NL", "IQ3_S", "IQ2_S", "IQ4_XS", "I8",   "I16",     "I32",
    "I64",     "F64",   "IQ1_M",  "BF16",  "",      "",       "",     "TQ1_0",   "TQ2_0",
    "",        "",      "",       "MXFP4", "NVFP4", "Q1_0",   "Q2_0"};

template <typename T>
T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

float load_half(const std::byte* at) { return half_to_float(load<uint16_t>(at)); }

int low_nibble(std::byte byte) { return std::to_integer<int>(byte & std::byte{15}); }
int high_nibble(std::byte byte) { return std::to_integer<int>(byte >> 4); }

// The fifth bit of element `i`, in place.
int fifth_bit(uint32_t bits, uint32_t i) { return static_cast<int>((bits >> i & 1) << 4); }

// In 4- and 5-bit blocks byte j holds element j (low nibble) and element j + 16 (high nibble).
void decode_q4_0(const std::byte* block, float* out) {
  const float scale = load_half(block);
  for (uint32_t j = 0; j < kHalfBlock; ++j) {
    const std::byte quants = block[2 + j];
    out[j] = static_cast<float>(low_nibble(quants) - 8) * scale;
    out[j + kHalfBlock] = static_cast<float>(high_nibble(quants) - 8) * scale;
  }
}

void decode_q4_1(const std::byte* block, float* out) {
  const float scale = load_half(block);
  const float minimum = load_half(block + 2);
  for (uint32_t j = 0; j < kHalfBlock; ++j) {
    const std::byte quants = block[4 + j];
    out[j] = static_cast<float>(low_nibble(quants)) * scale + minimum;
    out[j + kHalfBlock] = static_cast<float>(high_nibble(quants)) * scale + minimum;
  }
}

void decode_q5_0(const std::byte* block, float* out) {
  const float scale = load_half(block);
  const auto bits = load<uint32_t>(block + 2);
  for (uint32_t j = 0; j < kHalfBlock; ++j) {
    const int low = low_nibble(block[6 + j]) | fifth_bit(bits, j);
    const int high = high_nibble(block[6 + j]) | fifth_bit(bits, j + kHalfBlock);
    out[j] = static_cast<float>(low - 16) * scale;
    out[j + kHalfBlock] = static_cast<float>(high - 16) * scale;
  }
}

void decode_q5_1(const std::byte* block, float* out) {
  const float scale = load_half(block);
  const float minimum = load_half(block + 2);
  const auto bits = load<uint32_t>(block + 4);
  for (uint32_t j = 0; j < kHalfBlock; ++j) {
    const int low = low_nibble(block[8 + j]) | fifth_bit(bits, j);
    const int high = high_nibble(block[8 + j]) | fifth_bit(bits, j + kHalfBlock);
    out[j] = static_cast<float>(low) * scale + minimum;
    out[j + kHalfBlock] = static_cast<float>(high) * scale + minimum;
  }
}

void decode_q8_0(const std::byte* block, float* out) {
  const float scale = load_half(block);
  for (uint32_t j = 0; j < kBlock; ++j) {
    out[j] = static_cast<float>(load<int8_t>(block + 2 + j)) * scale;
  }
}

void decode_f16(const std::byte* block, float* out) { *out = load_half(block); }

void decode_bf16(const std::byte* block, float* out) {
  *out = bfloat16_to_float(load<uint16_t>(block));
}

template <void (*decode)(const std::byte*, float*)>
void decode_all(const GgmlTypeInfo& info, std::span<const std::byte> blocks, std::span<float> out) {
  const std::byte* block = blocks.data();
  for (size_t i = 0; i < out.size(); i += info.block_elements, block += info.block_bytes) {
    decode(block, out.data() + i);
  }
}

}  // namespace

std::optional<GgmlTypeInfo> find_ggml_type(uint32_t code) {
  for (const GgmlTypeInfo& info : kDecodable) {
    if (static_cast<uint32_t>(info.type) == code) return info;
  }
  return std::nullopt;
}

const GgmlTypeInfo& ggml_type_info(GgmlType type) {
  const auto found = std::ranges::find(kDecodable, type, &GgmlTypeInfo::type);
  if (found == kDecodable.end()) {
    fail(ErrorKind::kInternal, {"ggml type", ""}, std::to_string(static_cast<uint32_t>(type)),
         "a decodable type");
  }
  return *found;
}

std::string_view ggml_type_name(uint32_t code) {
  return code < kNames.size() ? kNames[code] : std::string_view{};
}

void dequantize(GgmlType type, std::span<const std::byte> blocks, std::span<float> out) {
  const GgmlTypeInfo& info = ggml_type_info(type);
  if (out.size() % info.block_elements != 0 ||
      out.size() / info.block_elements * info.block_bytes != blocks.size()) {
    fail(ErrorKind::kInternal, {"dequantize", std::string(info.name)},
         fmt::format("{} bytes for {} elements", blocks.size(), out.size()),
         fmt::format("{} bytes for each {}", info.block_bytes, info.block_elements));
  }
  switch (type) {
    case GgmlType::kF32:
      if (!out.empty()) std::memcpy(out.data(), blocks.data(), blocks.size());
      return;
    case GgmlType::kF16:
      return decode_all<decode_f16>(info, blocks, out);
    case GgmlType::kBF16:
      return decode_all<decode_bf16>(info, blocks, out);
    case GgmlType::kQ4_0:
      return decode_all<decode_q4_0>(info, blocks, out);
    case GgmlType::kQ4_1:
      return decode_all<decode_q4_1>(info, blocks, out);
    case GgmlType::kQ5_0:
      return decode_all<decode_q5_0>(info, blocks, out);
    case GgmlType::kQ5_1:
      return decode_all<decode_q5_1>(info, blocks, out);
    case GgmlType::kQ8_0:
      return decode_all<decode_q8_0>(info, blocks, out);
    case GgmlType::kQ2_K:
      return decode_all<ggml::decode_q2_k>(info, blocks, out);
    case GgmlType::kQ3_K:
      return decode_all<ggml::decode_q3_k>(info, blocks, out);
    case GgmlType::kQ4_K:
      return decode_all<ggml::decode_q4_k>(info, blocks, out);
    case GgmlType::kQ5_K:
      return decode_all<ggml::decode_q5_k>(info, blocks, out);
    case GgmlType::kQ6_K:
      return decode_all<ggml::decode_q6_k>(info, blocks, out);
    case GgmlType::kIQ4_NL:
      return decode_all<ggml::decode_iq4_nl>(info, blocks, out);
  }
}

float half_to_float(uint16_t bits) {
  const uint32_t sign = uint32_t{bits & 0x8000u} << 16;
  const uint32_t exponent = bits >> 10 & 31;
  const uint32_t mantissa = bits & 0x3ffu;
  if (exponent == 31) {  // infinity or NaN, made quiet
    return std::bit_cast<float>(sign | 0x7f800000u | mantissa << 13 |
                                (mantissa != 0 ? 0x400000u : 0));
  }
  if (exponent == 0) {  // zero or subnormal: mantissa * 2^-24, exact and free of float subnormals
    const float magnitude = static_cast<float>(mantissa) * 0x1.0p-24f;
    return std::bit_cast<float>(std::bit_cast<uint32_t>(magnitude) | sign);
  }
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
}

float bfloat16_to_float(uint16_t bits) { return std::bit_cast<float>(uint32_t{bits} << 16); }

uint16_t float_to_bfloat16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>(bits >> 16 | 64);
  // Half a unit of the kept part, one less if that part is even: ties go to even.
  return static_cast<uint16_t>((bits + 0x7fffu + (bits >> 16 & 1)) >> 16);
}

uint16_t float_to_half(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000u);
  const uint32_t magnitude = bits & 0x7fffffffu;
  const auto with_sign = [sign](uint32_t half) { return static_cast<uint16_t>(sign | half); };
  if (magnitude > 0x7f800000u) return with_sign(0x7e00u | (magnitude >> 13 & 0x3ffu));
  if (magnitude >= 0x477ff000u) return with_sign(0x7c00u);  // 65520 and above round to infinity
  if (magnitude < 0x38800000u) {
    // Below 2^-14: adding 0.5, whose last bit is worth 2^-24, makes the hardware round for us.
    const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
    return with_sign(std::bit_cast<uint32_t>(shifted) - 0x3f000000u);
  }
  const uint32_t rebased = magnitude - (112u << 23);
  return with_sign((rebased + 0xfffu + (rebased >> 13 & 1)) >> 13);
}

}  // namespace telora
