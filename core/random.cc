#include "core/random.h"

#include <cstdlib>
#include <string>

#include "core/digest.h"

namespace telora {

namespace {

uint32_t high(uint64_t product) { return static_cast<uint32_t>(product >> 32); }
uint32_t low(uint64_t product) { return static_cast<uint32_t>(product); }

}  // namespace

std::array<uint32_t, 4> philox(std::array<uint32_t, 4> c, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t first = uint64_t{0xD2511F53} * c[0];
    const uint64_t second = uint64_t{0xCD9E8D57} * c[2];
    c = {high(second) ^ c[1] ^ key[0], low(second), high(first) ^ c[3] ^ key[1], low(first)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return c;
}

uint64_t stream_key(uint64_t seed, const char* name) {
  const std::string digest = sha256(std::to_string(seed) + ":" + name);
  return std::strtoull(digest.substr(0, 16).c_str(), nullptr, 16);
}

uint32_t RandomStream::next_u32() {
  if (left_ == 0) {
    words_ = philox({low(position_), high(position_), 0, 0}, {low(key_), high(key_)});
    ++position_;
    left_ = 4;
  }
  return words_[4 - left_--];
}

double RandomStream::next_unit() {
  const uint64_t bits = (uint64_t{next_u32()} << 32) | next_u32();
  return static_cast<double>(bits >> 11) * 0x1.0p-53;
}

uint64_t RandomStream::below(uint64_t bound) {
  const uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  uint64_t value;
  do {
    value = (uint64_t{next_u32()} << 32) | next_u32();
  } while (value >= limit);
  return value % bound;
}

}  // namespace telora
