#pragma once

#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "core/files.h"

namespace telora {

// Sequential little-endian reading of a binary header through a bounded buffer. Every failure names
// the file, the field last given to at() and the byte offset.
class ByteReader {
 public:
  explicit ByteReader(const InputFile& file) : file_(file) {}

  uint64_t offset() const { return offset_; }
  uint64_t remaining() const { return file_.size() - offset_; }
  // Names the field that the next reads belong to.
  void at(std::string field) { field_ = std::move(field); }
  const std::string& field() const { return field_; }

  template <typename T>
  T number() {
    static_assert(std::is_arithmetic_v<T>);
    T value;
    read(std::as_writable_bytes(std::span(&value, 1)));
    return value;
  }
  // Exactly `length` bytes; checked against the rest of the file before anything is allocated.
  std::string text(uint64_t length);
  void read(std::span<std::byte> out);

  [[noreturn]] void fail(std::string_view found, std::string_view want,
                         std::string_view advice = {}) const;

 private:
  void require(uint64_t bytes) const;

  const InputFile& file_;
  std::string field_;
  uint64_t offset_ = 0;
  std::vector<std::byte> buffer_;
  uint64_t buffer_begin_ = 0;
};

}  // namespace telora
