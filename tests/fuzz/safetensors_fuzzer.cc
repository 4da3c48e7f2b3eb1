#include <cstring>

#include "tests/fuzz/json_mutator.h"
#include "tests/fuzz/memory_watch.h"
#include "tests/fuzz/targets.h"

namespace telora::fuzz {

namespace {

constexpr size_t kLengthBytes = 8;

const std::vector<std::string> kWords{"null",
                                      "0",
                                      "-1",
                                      "1",
                                      "4",
                                      "8",
                                      "\"\"",
                                      "[]",
                                      "{}",
                                      "\"F32\"",
                                      "\"F16\"",
                                      "\"BF16\"",
                                      "\"I64\"",
                                      "\"U8\"",
                                      "\"BOOL\"",
                                      "\"F8_E4M3\"",
                                      "\"dtype\"",
                                      "\"shape\"",
                                      "\"data_offsets\"",
                                      "\"__metadata__\"",
                                      "[0,0]",
                                      "[0,4]",
                                      "[4,8]",
                                      "[2,2]",
                                      "[1]",
                                      "[2,0]",
                                      "{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}",
                                      "{\"format\":\"pt\"}",
                                      "[2,18446744073709551614]",
                                      "9007199254740993"};

// The largest number of the header, which is often where the last tensor ends.
size_t largest_number(std::string_view header) {
  size_t largest = 0;
  for (size_t i = 0; i < header.size(); ++i) {
    size_t number = 0;
    for (; i < header.size() && header[i] >= '0' && header[i] <= '9' && number < 1 << 20; ++i) {
      number = number * 10 + static_cast<size_t>(header[i] - '0');
    }
    largest = std::max(largest, number);
  }
  return largest;
}

// The header changes as JSON does; then its length is put right, and often the data's.
std::string mutate(std::string_view bytes, size_t limit, Choices& choices) {
  uint64_t length = 0;
  if (bytes.size() >= kLengthBytes) std::memcpy(&length, bytes.data(), kLengthBytes);
  if (bytes.size() < kLengthBytes || length > bytes.size() - kLengthBytes || choices.one_in(12)) {
    return mutate_bytes(bytes, limit);
  }
  std::string data(bytes.substr(kLengthBytes + length));
  const size_t room = limit > data.size() + kLengthBytes ? limit - data.size() - kLengthBytes : 0;
  const std::string header = mutate_json(bytes.substr(kLengthBytes, length), room, kWords, choices);
  if (!choices.one_in(4)) data.resize(std::min(largest_number(header), limit), 'x');
  length = choices.one_in(20) ? odd_number(choices) : header.size();
  std::string out(reinterpret_cast<const char*>(&length), kLengthBytes);
  return out + header + data;
}

}  // namespace

}  // namespace telora::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const telora::fuzz::MemoryWatch watch(size);
  telora::fuzz::read_safetensors({reinterpret_cast<const char*>(data), size});
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t limit, unsigned seed) {
  telora::fuzz::Choices choices(seed);
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  return telora::fuzz::give_back(telora::fuzz::mutate(bytes, limit, choices), data, limit);
}
