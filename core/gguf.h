#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/files.h"
#include "core/ggml_types.h"

namespace telora {

struct GgufTensor {
  std::string name;
  std::vector<uint64_t> dims;  // ggml order: dims[0] is the row length (PyTorch's last dimension)
  GgmlType type;
  uint64_t offset;  // from the start of the file
  uint64_t bytes;
  uint64_t elements() const;
};

// Integers of every width become int64 or uint64; arrays hold one kind of element.
using GgufValue = std::variant<bool, int64_t, uint64_t, double, std::string, std::vector<bool>,
                               std::vector<int64_t>, std::vector<uint64_t>, std::vector<double>,
                               std::vector<std::string>>;

// A GGUF v2/v3 container, wholly validated at open; the layout
// is that of docs/gguf.md of the ggml project.
// All getters throw Error(data) naming the file and the key.
class GgufFile {
 public:
  explicit GgufFile(const std::filesystem::path& path);

  bool has(const std::string& key) const { return values_.contains(key); }
  std::string string(const std::string& key) const;
  int64_t integer(const std::string& key, int64_t min, int64_t max) const;  // any integer width
  double number(const std::string& key) const;                              // f32/f64, finite
  bool boolean(const std::string& key) const;
  const std::vector<std::string>& strings(const std::string& key) const;
  std::vector<int64_t> integers(const std::string& key) const;
  std::vector<double> numbers(const std::string& key) const;
  const GgufValue& value(const std::string& key) const;
  const std::vector<std::string>& keys() const { return keys_; }  // in file order
  std::string encoded(const std::string& key) const;              // type and value, as in the file

  const std::vector<GgufTensor>& tensors() const { return tensors_; }
  const GgufTensor* find(const std::string& name) const;  // nullptr if absent
  // Reads bytes [begin, begin + out.size()) of the tensor's data. Thread-safe.
  void read(const GgufTensor& tensor, uint64_t begin, std::span<std::byte> out) const;

  const std::string& name() const { return file_.name(); }

 private:
  friend class GgufParser;
  InputFile file_;
  std::vector<std::string> keys_;
  // Ordered maps: a file chosen to collide in a hash table must not make opening slow.
  std::map<std::string, GgufValue> values_;
  std::map<std::string, std::pair<uint64_t, uint64_t>> places_;  // first byte of the type, bytes
  std::vector<GgufTensor> tensors_;
  std::map<std::string, size_t> index_;
};

}  // namespace telora
