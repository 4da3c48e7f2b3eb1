#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.h"

namespace telora {

// Walks the fields of one protocol buffer message (wire format). A message inside it is walked by a
// reader of its own over bytes(). Groups, which could nest, are refused. Failures throw
// Error(data) with the byte offset in the file.
class WireReader {
 public:
  // `base` is the offset of `bytes` in `file`, `field` what messages call the message.
  WireReader(std::string_view bytes, std::string file, std::string field, uint64_t base = 0)
      : bytes_(bytes), file_(std::move(file)), field_(std::move(field)), base_(base) {}

  bool next();  // to the next field; false at the end
  uint64_t number() const { return number_; }
  // The value of the field; throws if it is of another wire type.
  uint64_t varint() const;
  float float32() const;
  std::string_view bytes() const;
  // A reader of the message that bytes() holds.
  WireReader message(const std::string& field) const;

 private:
  enum Type : uint64_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

  uint64_t read_varint();
  std::string_view read_bytes(uint64_t count);
  void expect(Type type, std::string_view want) const;
  [[noreturn]] void fail_here(std::string_view found, std::string_view want) const;

  std::string_view bytes_;
  std::string file_;
  std::string field_;
  uint64_t base_;
  size_t pos_ = 0;
  size_t begin_ = 0;  // of the current field
  uint64_t number_ = 0;
  uint64_t type_ = 0;
  uint64_t varint_ = 0;
  std::string_view value_;
};

// Appends one field in wire format.
void append_varint_field(uint64_t number, uint64_t value, std::string& out);
void append_float_field(uint64_t number, float value, std::string& out);
void append_bytes_field(uint64_t number, std::string_view value, std::string& out);

}  // namespace telora
