#include "core/ggml_quantize.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "core/error.h"

namespace telora {

namespace {

constexpr size_t kBlock = 32;
constexpr size_t kHalfBlock = kBlock / 2;

using Values = const float*;                 // of one block
using Quants = std::array<uint8_t, kBlock>;  // one value each

void store(std::byte* at, const auto& value) { std::memcpy(at, &value, sizeof(value)); }

bool fits_half(float value) { return std::abs(value) < 65520.0F; }  // above it rounds to infinity

// 1 / d, with 0 where there is nothing to divide by: a scale of 0, or one so small that its inverse
// overflows, which is 0 as a half too.
float inverse(float d) {
  const float id = 1 / d;
  return d == 0 || std::isinf(id) ? 0 : id;
}

// The element of the greatest magnitude, the first of equals, with its sign.
float extreme(Values x) {
  return *std::max_element(x, x + kBlock,
                           [](float a, float b) { return std::abs(a) < std::abs(b); });
}

// (x − least) / d + middle, cut to a whole number from 0 to `most`. The product is rounded before
// the sum: this file is compiled without fused products.
Quants quants(Values x, float least, float d, float middle, float most) {
  const float id = inverse(d);
  Quants q;
  for (size_t i = 0; i < kBlock; ++i) {
    q[i] = static_cast<uint8_t>(std::clamp(std::trunc((x[i] - least) * id + middle), 0.0F, most));
  }
  return q;
}

// Byte j holds the low nibbles of elements j and j + 16.
void store_nibbles(const Quants& q, std::byte* at) {
  for (size_t j = 0; j < kHalfBlock; ++j) {
    at[j] = static_cast<std::byte>((q[j] & 15) | (q[j + kHalfBlock] & 15) << 4);
  }
}

void store_fifth_bits(const Quants& q, std::byte* at) {
  uint32_t bits = 0;
  for (size_t i = 0; i < kBlock; ++i) bits |= uint32_t{q[i]} >> 4 << i;
  store(at, bits);
}

struct Range {
  float least, most;
};

Range range_of(Values x) {
  const auto [least, most] = std::minmax_element(x, x + kBlock);
  return {*least, *most};
}

// Each encoder returns whether the block's scale (and minimum) can be stored.

bool encode_q4_0(Values x, std::byte* block) {
  const float d = extreme(x) / -8;
  store(block, float_to_half(d));
  store_nibbles(quants(x, 0, d, 8.5F, 15), block + 2);
  return fits_half(d);
}

bool encode_q5_0(Values x, std::byte* block) {
  const float d = extreme(x) / -16;
  store(block, float_to_half(d));
  const Quants q = quants(x, 0, d, 16.5F, 31);
  store_fifth_bits(q, block + 2);
  store_nibbles(q, block + 6);
  return fits_half(d);
}

bool encode_q4_1(Values x, std::byte* block) {
  const auto [least, most] = range_of(x);
  const float d = (most - least) / 15;
  store(block, float_to_half(d));
  store(block + 2, float_to_half(least));
  store_nibbles(quants(x, least, d, 0.5F, 15), block + 4);
  return fits_half(d) && fits_half(least);
}

bool encode_q5_1(Values x, std::byte* block) {
  const auto [least, most] = range_of(x);
  const float d = (most - least) / 31;
  store(block, float_to_half(d));
  store(block + 2, float_to_half(least));
  const Quants q = quants(x, least, d, 0.5F, 31);
  store_fifth_bits(q, block + 4);
  store_nibbles(q, block + 8);
  return fits_half(d) && fits_half(least);
}

bool encode_q8_0(Values x, std::byte* block) {
  const float d = std::abs(extreme(x)) / 127;
  const float id = inverse(d);
  store(block, float_to_half(d));
  for (size_t i = 0; i < kBlock; ++i) {
    store(block + 2 + i, static_cast<int8_t>(std::round(x[i] * id)));  // halves away from zero
  }
  return fits_half(d);
}

bool encode_f16(Values x, std::byte* block) {
  store(block, float_to_half(*x));
  return fits_half(*x);
}

bool encode_bf16(Values x, std::byte* block) {
  const uint16_t bits = float_to_bfloat16(*x);
  store(block, bits);
  return (bits & 0x7f80) != 0x7f80;  // not rounded to infinity
}

bool encode_f32(Values x, std::byte* block) {
  store(block, *x);
  return true;
}

using Encoder = bool (*)(Values, std::byte*);

Encoder find_encoder(GgmlType type) {
  switch (type) {
    case GgmlType::kF32:
      return encode_f32;
    case GgmlType::kF16:
      return encode_f16;
    case GgmlType::kBF16:
      return encode_bf16;
    case GgmlType::kQ4_0:
      return encode_q4_0;
    case GgmlType::kQ4_1:
      return encode_q4_1;
    case GgmlType::kQ5_0:
      return encode_q5_0;
    case GgmlType::kQ5_1:
      return encode_q5_1;
    case GgmlType::kQ8_0:
      return encode_q8_0;
    default:
      return nullptr;
  }
}

}  // namespace

bool can_quantize(GgmlType type) { return find_encoder(type) != nullptr; }

std::optional<size_t> quantize(GgmlType type, std::span<const float> values,
                               std::span<std::byte> blocks) {
  const GgmlTypeInfo& info = ggml_type_info(type);
  const Encoder encode = find_encoder(type);
  if (encode == nullptr || values.size() % info.block_elements != 0 ||
      values.size() / info.block_elements * info.block_bytes != blocks.size()) {
    fail(ErrorKind::kInternal, {"quantize", std::string(info.name)},
         fmt::format("{} values to {} bytes", values.size(), blocks.size()),
         "a type that can be written, in whole blocks");
  }
  const auto finite = [](float value) { return std::isfinite(value); };
  std::byte* block = blocks.data();
  for (size_t i = 0; i < values.size(); i += info.block_elements, block += info.block_bytes) {
    const auto own = values.subspan(i, info.block_elements);
    const auto bad = std::ranges::find_if_not(own, finite);
    if (bad != own.end()) return i + static_cast<size_t>(bad - own.begin());
    if (!encode(own.data(), block)) return i;
  }
  return std::nullopt;
}

}  // namespace telora
