#include "data/reference_random.h"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>
#include <utility>

namespace telora {

namespace {

using Uint128 = unsigned __int128;

// The words of an integer, least significant first, without leading zero words.
std::vector<uint32_t> words_of(uint64_t value) {
  std::vector<uint32_t> words = {static_cast<uint32_t>(value)};
  if (value >> 32) words.push_back(static_cast<uint32_t>(value >> 32));
  return words;
}

// MT19937 (Matsumoto and Nishimura, 1998) with both of its authors' ways of seeding (2002).
class Mersenne {
 public:
  explicit Mersenne(uint32_t seed) {
    state_[0] = seed;
    for (uint32_t i = 1; i < kSize; ++i) {
      state_[i] = 1812433253U * (state_[i - 1] ^ (state_[i - 1] >> 30)) + i;
    }
  }

  explicit Mersenne(const std::vector<uint32_t>& key) : Mersenne(19650218U) {
    uint32_t at = 1;
    for (size_t step = 0; step < std::max<size_t>(kSize, key.size()); ++step) {
      const auto index = static_cast<uint32_t>(step % key.size());
      stir(at, 1664525U, key[index] + index);
    }
    for (uint32_t step = 1; step < kSize; ++step) stir(at, 1566083941U, 0U - at);
    state_[0] = 0x80000000U;
  }

  uint32_t next() {
    if (used_ == kSize) refill();
    uint32_t word = state_[used_++];
    word ^= word >> 11;
    word ^= (word << 7) & 0x9d2c5680U;
    word ^= (word << 15) & 0xefc60000U;
    return word ^ (word >> 18);
  }

 private:
  static constexpr uint32_t kSize = 624;
  static constexpr uint32_t kMiddle = 397;

  void stir(uint32_t& at, uint32_t factor, uint32_t addend) {
    const uint32_t last = state_[at - 1];
    state_[at] = (state_[at] ^ ((last ^ (last >> 30)) * factor)) + addend;
    if (++at == kSize) {
      state_[0] = state_[kSize - 1];
      at = 1;
    }
  }

  void refill() {
    for (uint32_t i = 0; i < kSize; ++i) {
      const uint32_t pair = (state_[i] & 0x80000000U) | (state_[(i + 1) % kSize] & 0x7fffffffU);
      const uint32_t twist = pair & 1U ? 0x9908b0dfU : 0U;
      state_[i] = state_[(i + kMiddle) % kSize] ^ (pair >> 1) ^ twist;
    }
    used_ = 0;
  }

  std::array<uint32_t, kSize> state_{};
  uint32_t used_ = kSize;
};

// NumPy's SeedSequence for one integer: a pool of four words, hashed out to 64-bit words.
class SeedSequence {
 public:
  explicit SeedSequence(uint64_t seed) {
    const std::vector<uint32_t> words = words_of(seed);
    for (size_t i = 0; i < pool_.size(); ++i) pool_[i] = hash(i < words.size() ? words[i] : 0);
    for (size_t from = 0; from < pool_.size(); ++from) {
      for (size_t to = 0; to < pool_.size(); ++to) {
        if (from != to) pool_[to] = mix(pool_[to], hash(pool_[from]));
      }
    }
  }

  std::array<uint64_t, 4> state() const {
    uint32_t constant = 0x8b51f9ddU;
    std::array<uint64_t, 4> out{};
    for (size_t i = 0; i < 8; ++i) {
      uint32_t word = pool_[i % pool_.size()] ^ constant;
      constant *= 0x58f38dedU;
      word *= constant;
      word ^= word >> 16;
      out[i / 2] |= static_cast<uint64_t>(word) << (32 * (i % 2));
    }
    return out;
  }

 private:
  uint32_t hash(uint32_t value) {
    value ^= constant_;
    constant_ *= 0x931e8875U;
    value *= constant_;
    return value ^ (value >> 16);
  }

  static uint32_t mix(uint32_t x, uint32_t y) {
    const uint32_t value = 0xca01f9ddU * x - 0x4973f715U * y;
    return value ^ (value >> 16);
  }

  std::array<uint32_t, 4> pool_{};
  uint32_t constant_ = 0x43b0d7e5U;
};

// PCG64, the XSL-RR variant (O'Neill, 2014), with NumPy's halving of each word into two draws.
class Pcg64 {
 public:
  explicit Pcg64(const std::array<uint64_t, 4>& seed)
      : increment_((((static_cast<Uint128>(seed[2]) << 64) | seed[3]) << 1) | 1) {
    step();
    state_ += (static_cast<Uint128>(seed[0]) << 64) | seed[1];
    step();
  }

  uint32_t next() {
    if (has_half_) {
      has_half_ = false;
      return half_;
    }
    step();
    const auto folded = static_cast<uint64_t>(state_ >> 64) ^ static_cast<uint64_t>(state_);
    const uint64_t word = std::rotr(folded, static_cast<int>(state_ >> 122));
    half_ = static_cast<uint32_t>(word >> 32);
    has_half_ = true;
    return static_cast<uint32_t>(word);
  }

 private:
  void step() {
    constexpr Uint128 kMultiplier =
        (static_cast<Uint128>(0x2360ED051FC65DA4U) << 64) | 0x4385DF649FCCF645U;
    state_ = state_ * kMultiplier + increment_;
  }

  Uint128 increment_;
  Uint128 state_ = 0;
  uint32_t half_ = 0;
  bool has_half_ = false;
};

// Fisher-Yates from the end; draw(i) gives a number in [0, i].
template <typename Draw>
std::vector<size_t> shuffle(size_t count, Draw draw) {
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  for (size_t i = count; i-- > 1;) std::swap(order[i], order[draw(static_cast<uint32_t>(i))]);
  return order;
}

// NumPy shuffles with masked rejection, whichever generator it draws from.
template <typename Random>
size_t masked_draw(Random& random, uint32_t last) {
  const uint32_t mask = ~uint32_t{0} >> std::countl_zero(last);
  uint32_t value;
  do value = random.next() & mask;
  while (value > last);
  return value;
}

}  // namespace

std::vector<size_t> python_shuffle(size_t count, uint64_t seed) {
  Mersenne random(words_of(seed));
  return shuffle(count, [&](uint32_t last) {
    const int bits = std::bit_width(uint64_t{last} + 1);
    uint64_t value;
    do value = random.next() >> (32 - bits);
    while (value > last);
    return static_cast<size_t>(value);
  });
}

std::vector<size_t> numpy_legacy_permutation(size_t count, uint32_t seed) {
  Mersenne random(seed);
  return shuffle(count, [&](uint32_t last) { return masked_draw(random, last); });
}

std::vector<size_t> numpy_permutation(size_t count, uint64_t seed) {
  Pcg64 random(SeedSequence(seed).state());
  return shuffle(count, [&](uint32_t last) { return masked_draw(random, last); });
}

}  // namespace telora
