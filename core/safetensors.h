#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/files.h"

namespace telora {

enum class Dtype { kBool, kU8, kI8, kI16, kU16, kF16, kBF16, kI32, kU32, kF32, kF64, kI64, kU64 };
size_t dtype_bytes(Dtype dtype);
std::string_view dtype_name(Dtype dtype);                // "F32"
std::optional<Dtype> find_dtype(std::string_view name);  // empty for an unknown or unsupported one

struct SafetensorsEntry {
  std::string name;
  Dtype dtype;
  std::vector<int64_t> shape;
  uint64_t offset;  // from the start of the file
  uint64_t bytes;
};

// A safetensors container, wholly validated at open (format of the safetensors library).
class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::filesystem::path& path);

  const std::vector<SafetensorsEntry>& entries() const { return entries_; }  // by offset
  const SafetensorsEntry* find(const std::string& name) const;
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  // Reads bytes [begin, begin + out.size()) of the tensor's data. Thread-safe.
  void read(const SafetensorsEntry& entry, uint64_t begin, std::span<std::byte> out) const;
  const std::string& name() const { return file_.name(); }

 private:
  InputFile file_;
  std::vector<SafetensorsEntry> entries_;
  std::map<std::string, size_t> index_;
  std::map<std::string, std::string> metadata_;
};

struct TensorBytes {
  std::string name;
  Dtype dtype;
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes;
};

struct TensorShape {
  std::string name;
  Dtype dtype;
  std::vector<int64_t> shape;
};

// Size of the file that write_safetensors() would write for such tensors. Throws Error(internal) as
// it does.
uint64_t safetensors_bytes(const std::vector<TensorShape>& tensors,
                           const std::map<std::string, std::string>& metadata);

// Published atomically; layout byte-equal to the reference writer's. `metadata` is
// written in key order. Throws Error(internal) if a byte count does not fit its shape.
void write_safetensors(const std::filesystem::path& path, const std::vector<TensorBytes>& tensors,
                       const std::map<std::string, std::string>& metadata);

}  // namespace telora
