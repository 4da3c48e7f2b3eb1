#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/ggml_types.h"
#include "core/tensor_sink.h"

namespace telora {

class GgufFile;

// Key-value pairs in the order in which they were first set; setting a key again replaces its
// value. Keys are printable ASCII; anything else throws Error(internal), as do strings that are no
// UTF-8.
class GgufMetadata {
 public:
  void set_string(const std::string& key, std::string_view value);
  void set_bool(const std::string& key, bool value);
  void set_u32(const std::string& key, uint32_t value);
  void set_f32(const std::string& key, float value);
  void set_bools(const std::string& key, const std::vector<bool>& values);
  void set_strings(const std::string& key, const std::vector<std::string>& values);
  void set_i32s(const std::string& key, const std::vector<int32_t>& values);
  void set_f32s(const std::string& key, const std::vector<float>& values);
  // Type and value as they stand in another file.
  void copy(const GgufFile& file, const std::string& key);
  void remove(const std::string& key);
  bool has(const std::string& key) const;

 private:
  friend class GgufWriter;
  void set(const std::string& key, std::string encoded);

  std::vector<std::pair<std::string, std::string>> pairs_;  // type and value, encoded
};

struct GgufTensorPlan {
  std::string name = {};
  std::vector<uint64_t> dims = {};  // ggml order: dims[0] is the row length
  GgmlType type = GgmlType::kF32;
  uint64_t bytes() const;
};

// Publishes a GGUF v3 file (docs/gguf.md of the ggml project) at `path`. `fill(i, sink)` appends
// the bytes of tensor i; only what it holds itself is in memory. Throws Error(data) for a tensor
// that the format cannot hold (a name of 64 bytes or more, a row that is no multiple of its type's
// block), Error(internal) for a name that comes twice or a byte count that is not the plan's, what
// `fill` throws, and as publish(); then nothing is written.
void write_gguf(const std::filesystem::path& path, const GgufMetadata& metadata,
                const std::vector<GgufTensorPlan>& tensors,
                const std::function<void(size_t index, TensorSink& sink)>& fill);

}  // namespace telora
