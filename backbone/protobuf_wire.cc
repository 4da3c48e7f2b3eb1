#include "backbone/protobuf_wire.h"

#include <fmt/format.h>

#include <cstring>

namespace telora {

void WireReader::fail_here(std::string_view found, std::string_view want) const {
  fail(ErrorKind::kData, {.file = file_, .field = field_, .byte = base_ + begin_}, found, want);
}

uint64_t WireReader::read_varint() {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (pos_ == bytes_.size()) fail_here("a number cut off by the end", "all of its bytes");
    const auto byte = static_cast<unsigned char>(bytes_[pos_++]);
    value |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
  fail_here("a number of more than 10 bytes", "at most 10");
}

std::string_view WireReader::read_bytes(uint64_t count) {
  if (count > bytes_.size() - pos_) {
    fail_here(fmt::format("a value of {} bytes", count),
              fmt::format("at most the {} that are left", bytes_.size() - pos_));
  }
  const std::string_view value = bytes_.substr(pos_, count);
  pos_ += count;
  return value;
}

bool WireReader::next() {
  begin_ = pos_;
  if (pos_ == bytes_.size()) return false;
  const uint64_t tag = read_varint();
  number_ = tag >> 3;
  type_ = tag & 7;
  if (number_ == 0 || number_ > 0x1FFFFFFF) {
    fail_here(fmt::format("field number {}", number_), "1 to 536870911 (is this a model file?)");
  }
  switch (type_) {
    case kVarint:
      varint_ = read_varint();
      return true;
    case kFixed64:
      value_ = read_bytes(8);
      return true;
    case kBytes:
      value_ = read_bytes(read_varint());
      return true;
    case kFixed32:
      value_ = read_bytes(4);
      return true;
    default:
      fail_here(fmt::format("wire type {}", type_), "0, 1, 2 or 5 (groups are not accepted)");
  }
}

void WireReader::expect(Type type, std::string_view want) const {
  if (type_ == type) return;
  fail_here(fmt::format("field {} of wire type {}", number_, type_), want);
}

uint64_t WireReader::varint() const {
  expect(kVarint, "a number (wire type 0)");
  return varint_;
}

float WireReader::float32() const {
  expect(kFixed32, "a float (wire type 5)");
  float value;
  std::memcpy(&value, value_.data(), sizeof value);
  return value;
}

std::string_view WireReader::bytes() const {
  expect(kBytes, "text or a message (wire type 2)");
  return value_;
}

WireReader WireReader::message(const std::string& field) const {
  const std::string_view inner = bytes();
  return {inner, file_, field, base_ + static_cast<uint64_t>(inner.data() - bytes_.data())};
}

namespace {

void append_varint(uint64_t value, std::string& out) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7F) | 0x80);
  out += static_cast<char>(value);
}

}  // namespace

void append_varint_field(uint64_t number, uint64_t value, std::string& out) {
  append_varint(number << 3, out);
  append_varint(value, out);
}

void append_float_field(uint64_t number, float value, std::string& out) {
  append_varint(number << 3 | 5, out);
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void append_bytes_field(uint64_t number, std::string_view value, std::string& out) {
  append_varint(number << 3 | 2, out);
  append_varint(value.size(), out);
  out += value;
}

}  // namespace telora
