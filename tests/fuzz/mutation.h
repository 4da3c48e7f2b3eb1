#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace telora::fuzz {

// The choices of one mutation, from libFuzzer's seed.
class Choices {
 public:
  explicit Choices(unsigned seed) : engine_(seed) {}
  size_t below(size_t bound) { return bound == 0 ? 0 : engine_() % bound; }
  bool one_in(size_t n) { return below(n) == 0; }
  template <typename Container>
  auto& any_of(Container& from) {
    return from[below(std::size(from))];
  }

 private:
  std::minstd_rand engine_;
};

// libFuzzer's own mutation of some bytes, to at most `limit`.
std::string mutate_bytes(std::string_view bytes, size_t limit);
// Copies `text`, cut to `limit`, to where libFuzzer wants it.
size_t give_back(std::string_view text, uint8_t* data, size_t limit);
// A number that a reader might trip over.
uint64_t odd_number(Choices& choices);

}  // namespace telora::fuzz
