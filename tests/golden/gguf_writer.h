#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/ggml_types.h"

namespace telora::golden {

// Writes GGUF version 3 files for tests. Nothing is checked, so broken files can be made too.
class GgufWriter {
 public:
  void set_u32(const std::string& key, uint32_t value);
  void set_u32s(const std::string& key, const std::vector<uint32_t>& values);
  void set_f32(const std::string& key, float value);
  void set_bool(const std::string& key, bool value);
  void set_bools(const std::string& key, const std::vector<bool>& values);
  void set_string(const std::string& key, const std::string& value);
  void set_strings(const std::string& key, const std::vector<std::string>& values);
  // `dims` from the innermost (row length first); `bytes` as stored.
  void add_tensor(const std::string& name, const std::vector<uint64_t>& dims, GgmlType type,
                  std::string bytes);

  std::string bytes() const;
  void write(const std::filesystem::path& path) const;

 private:
  struct Tensor {
    std::string name;
    std::vector<uint64_t> dims;
    GgmlType type;
    std::string bytes;
  };
  void begin(const std::string& key, uint32_t type);

  uint64_t pairs_ = 0;
  std::string metadata_;
  std::vector<Tensor> tensors_;
};

// Encodes whole rows as ggml's reference quantisers do: F32, F16, BF16, Q8_0, Q4_0 or Q4_1.
std::string quantize(GgmlType type, std::span<const float> values);

}  // namespace telora::golden
