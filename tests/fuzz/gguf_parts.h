#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace telora::fuzz {

struct GgufPair {
  std::string key;
  uint32_t type = 0;
  std::string value;  // as stored: arrays with element type and count
};

struct GgufTensorInfo {
  std::string name;
  std::vector<uint64_t> dims;
  uint32_t type = 0;
  uint64_t offset = 0;
};

// A GGUF file taken apart without any check but that it can be.
struct GgufParts {
  uint32_t version = 3;
  std::vector<GgufPair> pairs;
  std::vector<GgufTensorInfo> tensors;
  std::string data;
};

std::optional<GgufParts> take_apart(std::string_view bytes);
// Counts are those of the parts; the data section begins at a multiple of 32.
std::string put_together(const GgufParts& parts);
// Bytes of a tensor of a plain type; 0 for others and for sizes beyond a small file.
uint64_t plain_bytes(const GgufTensorInfo& tensor);

}  // namespace telora::fuzz
