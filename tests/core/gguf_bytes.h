#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "support.h"

namespace telora {

// Writes GGUF bytes without any check, so that tests can make every wrong file.
struct GgufBytes {
  std::string magic = "GGUF";
  uint32_t version = 3;
  std::string pairs;
  std::string tensors;
  std::string data;
  uint64_t pair_count = 0;
  uint64_t tensor_count = 0;
  uint64_t alignment = 32;

  static std::string text(std::string_view value) {
    return little(uint64_t{value.size()}) + std::string(value);
  }

  GgufBytes& pair(std::string_view key, uint32_t type, std::string_view value) {
    pairs += text(key) + little(type) + std::string(value);
    ++pair_count;
    return *this;
  }

  // `payload`: the elements back to back.
  GgufBytes& array(std::string_view key, uint32_t type, uint64_t count, std::string_view payload) {
    return pair(key, 9, little(type) + little(count) + std::string(payload));
  }

  GgufBytes& tensor(std::string_view name, const std::vector<uint64_t>& dims, uint32_t type,
                    uint64_t offset) {
    tensors += text(name) + little(static_cast<uint32_t>(dims.size()));
    for (const uint64_t dim : dims) tensors += little(dim);
    tensors += little(type) + little(offset);
    ++tensor_count;
    return *this;
  }

  std::string bytes() const {
    std::string out = magic + little(version) + little(tensor_count) + little(pair_count);
    out += pairs + tensors;
    if (tensor_count > 0) out.resize((out.size() + alignment - 1) / alignment * alignment, '\0');
    return out + data;
  }
};

}  // namespace telora
