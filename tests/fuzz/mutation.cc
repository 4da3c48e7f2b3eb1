#include "tests/fuzz/mutation.h"

#include <algorithm>
#include <cstring>

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t limit);

namespace telora::fuzz {

std::string mutate_bytes(std::string_view bytes, size_t limit) {
  std::string out(bytes.substr(0, limit));
  const size_t size = out.size();
  out.resize(std::max<size_t>(limit, 1));
  out.resize(LLVMFuzzerMutate(reinterpret_cast<uint8_t*>(out.data()), size, out.size()));
  return out;
}

size_t give_back(std::string_view text, uint8_t* data, size_t limit) {
  const size_t size = std::min(text.size(), limit);
  std::memcpy(data, text.data(), size);
  return size;
}

uint64_t odd_number(Choices& choices) {
  const uint64_t bit = uint64_t{1} << choices.below(64);
  switch (choices.below(4)) {
    case 0:
      return bit;
    case 1:
      return bit - 1;
    case 2:
      return ~bit + 1;
    default:
      return choices.below(300);
  }
}

}  // namespace telora::fuzz
