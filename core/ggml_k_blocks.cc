#include "core/ggml_k_blocks.h"

#include <array>
#include <cstring>

#include "core/ggml_types.h"

namespace telora::ggml {

namespace {

int at(const std::byte* bytes, uint32_t i) { return std::to_integer<int>(bytes[i]); }
int signed_at(const std::byte* bytes, uint32_t i) { return static_cast<int8_t>(at(bytes, i)); }

float half_at(const std::byte* bytes) {
  uint16_t bits;
  std::memcpy(&bits, bytes, sizeof(bits));
  return half_to_float(bits);
}

// Two bits of element i: byte 32h + l holds elements 128h + l, + 32, + 64 and + 96, low bits first.
int two_bits(const std::byte* quants, uint32_t i) {
  return at(quants, i / 128 * 32 + i % 32) >> (i % 128 / 32 * 2) & 3;
}

// Four bits of element i: byte 32c + l holds elements 64c + l (low nibble) and 64c + 32 + l.
int four_bits(const std::byte* quants, uint32_t i) {
  return at(quants, i / 64 * 32 + i % 32) >> (i % 64 / 32 * 4) & 15;
}

struct ScaleAndMinimum {
  int scale, minimum;  // 0 to 63
};

// Pair k of the eight that Q4_K and Q5_K pack into 12 bytes.
ScaleAndMinimum scale_and_minimum(const std::byte* packed, uint32_t k) {
  if (k < 4) return {at(packed, k) & 63, at(packed, k + 4) & 63};
  return {(at(packed, k + 4) & 15) | at(packed, k - 4) >> 6 << 4,
          at(packed, k + 4) >> 4 | at(packed, k) >> 6 << 4};
}

// Scale k of Q3_K's sixteen: four low bits in bytes 0 to 7, two high bits in bytes 8 to 11.
int q3_scale(const std::byte* packed, uint32_t k) {
  const int low = at(packed, k % 8) >> (k / 8 * 4) & 15;
  const int high = at(packed, 8 + k % 4) >> (k / 4 * 2) & 3;
  return (low | high << 4) - 32;
}

// Shared by Q4_K and Q5_K: `quant(i)` is element i's integer.
template <typename Quant>
void decode_with_minimum(const std::byte* block, float* out, Quant quant) {
  const float scale = half_at(block);
  const float minimum = half_at(block + 2);
  for (uint32_t k = 0; k < 8; ++k) {
    const ScaleAndMinimum pair = scale_and_minimum(block + 4, k);
    const float step = scale * static_cast<float>(pair.scale);
    const float offset = minimum * static_cast<float>(pair.minimum);
    for (uint32_t i = 32 * k; i < 32 * k + 32; ++i) {
      out[i] = step * static_cast<float>(quant(i)) - offset;
    }
  }
}

constexpr std::array<float, 16> kNonLinear{-127, -104, -83, -65, -49, -35, -22, -10,
                                           1,    13,   25,  38,  53,  69,  89,  113};

}  // namespace

// scales[16], qs[64], d, dmin
void decode_q2_k(const std::byte* block, float* out) {
  const float scale = half_at(block + 80);
  const float minimum = half_at(block + 82);
  for (uint32_t k = 0; k < 16; ++k) {
    const float step = scale * static_cast<float>(at(block, k) & 15);
    const float offset = minimum * static_cast<float>(at(block, k) >> 4);
    for (uint32_t i = 16 * k; i < 16 * k + 16; ++i) {
      out[i] = step * static_cast<float>(two_bits(block + 16, i)) - offset;
    }
  }
}

// hmask[32], qs[64], scales[12], d: bit j of hmask[l] is the high bit of element 32j + l, inverted.
void decode_q3_k(const std::byte* block, float* out) {
  const float scale = half_at(block + 108);
  for (uint32_t k = 0; k < 16; ++k) {
    const float step = scale * static_cast<float>(q3_scale(block + 96, k));
    for (uint32_t i = 16 * k; i < 16 * k + 16; ++i) {
      const int high = at(block, i % 32) >> (i / 32) & 1;
      out[i] = step * static_cast<float>(two_bits(block + 32, i) - (high != 0 ? 0 : 4));
    }
  }
}

// d, dmin, scales[12], qs[128]
void decode_q4_k(const std::byte* block, float* out) {
  decode_with_minimum(block, out, [&](uint32_t i) { return four_bits(block + 16, i); });
}

// d, dmin, scales[12], qh[32], qs[128]: bit j of qh[l] is the fifth bit of element 32j + l.
void decode_q5_k(const std::byte* block, float* out) {
  decode_with_minimum(block, out, [&](uint32_t i) {
    return four_bits(block + 48, i) | (at(block + 16, i % 32) >> (i / 32) & 1) << 4;
  });
}

// ql[128], qh[64], scales[16], d: each half of ql holds the low nibbles of its first 64 elements,
// then, in the same bytes, the high nibbles of its last 64.
void decode_q6_k(const std::byte* block, float* out) {
  const float scale = half_at(block + 208);
  for (uint32_t i = 0; i < kSuperBlock; ++i) {
    const uint32_t half = i / 128, within = i % 128;
    const int low = at(block, 64 * half + within % 64) >> (within / 64 * 4) & 15;
    const int high = two_bits(block + 128, i);
    const float step = scale * static_cast<float>(signed_at(block + 192, i / 16));
    out[i] = step * static_cast<float>((low | high << 4) - 32);
  }
}

// d, qs[16]: nibbles are indices into a fixed table.
void decode_iq4_nl(const std::byte* block, float* out) {
  const float scale = half_at(block);
  for (uint32_t j = 0; j < 16; ++j) {
    const auto byte = static_cast<size_t>(at(block + 2, j));
    out[j] = scale * kNonLinear[byte & 15];
    out[j + 16] = scale * kNonLinear[byte >> 4];
  }
}

}  // namespace telora::ggml
