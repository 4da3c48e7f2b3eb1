#pragma once

// Private to the kernel sources: element access and the vectorisable exponential.
#include <bit>
#include <cmath>

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
#define TELORA_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define TELORA_CLONES
#endif
#define TELORA_INLINE inline __attribute__((always_inline))

#include "backbone/kernels.h"

namespace telora::kernels {

TELORA_INLINE float load(float value) { return value; }
TELORA_INLINE float load(Bf16 value) { return std::bit_cast<float>(uint32_t{value.bits} << 16); }

TELORA_INLINE void store(float value, float& out) { out = value; }
TELORA_INLINE void store(float value, Bf16& out) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
  const uint32_t quiet = (bits >> 16) | 0x40u;
  out.bits = static_cast<uint16_t>((bits & 0x7FFFFFFFu) > 0x7F800000u ? quiet : rounded);
}

template <typename T>
TELORA_INLINE float rounded(float value) {
  T out;
  store(value, out);
  return load(out);
}

// e^x to about 1 ulp: 2^n * polynomial, without branches so that the loops around it vectorise.
TELORA_INLINE float exp_approx(float x) {
  x = 88.0f < x ? 88.0f : x;  // written as the minimum and maximum instructions are defined
  x = -87.0f > x ? -87.0f : x;
  const float n = std::nearbyintf(x * 1.44269504f);
  float r = x - n * 0.693359375f;
  r -= n * -2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  return p * std::bit_cast<float>((static_cast<int32_t>(n) + 127) << 23);
}

// A fixed number of partial sums: the same order of additions whatever the vector width.
constexpr int kLanes = 16;

template <typename F>
TELORA_INLINE float sum_over(int64_t width, F term) {
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes) {
    for (int j = 0; j < kLanes; ++j) lanes[j] += term(i + j);
  }
  float total = 0;
  for (; i < width; ++i) total += term(i);
  for (float lane : lanes) total += lane;
  return total;
}

}  // namespace telora::kernels
