#pragma once

#include <array>
#include <cstdint>

namespace telora {

// Philox4x32-10 (Salmon et al., SC 2011): four 32-bit words from a 128-bit counter and a 64-bit
// key. Counter-based: any element of a stream is computed alone, so nothing has to be saved to
// resume.
std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

// A 64-bit key for a named stream: first 8 bytes of SHA-256 of "seed:name".
uint64_t stream_key(uint64_t seed, const char* name);

// Sequential view of one Philox stream.
class RandomStream {
 public:
  explicit RandomStream(uint64_t key, uint64_t position = 0) : key_(key), position_(position) {}
  uint32_t next_u32();
  double next_unit();              // [0, 1), 53 bits
  uint64_t below(uint64_t bound);  // [0, bound), unbiased by rejection

 private:
  uint64_t key_;
  uint64_t position_;
  std::array<uint32_t, 4> words_{};
  int left_ = 0;
};

}  // namespace telora
