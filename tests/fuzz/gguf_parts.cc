#include "tests/fuzz/gguf_parts.h"

#include <cstring>

namespace telora::fuzz {

namespace {

constexpr size_t kMost = 1000;  // pairs, tensors and dimensions that are taken apart
constexpr size_t kAlignment = 32;
constexpr uint32_t kString = 8;
constexpr uint32_t kArray = 9;

// Reads until something does not fit; then `failed` stays true.
struct Cursor {
  std::string_view rest;
  bool failed = false;

  std::string_view take(uint64_t count) {
    if (failed || count > rest.size()) {
      failed = true;
      return {};
    }
    const std::string_view out = rest.substr(0, count);
    rest.remove_prefix(count);
    return out;
  }
  template <typename T>
  T number() {
    T value{};
    const std::string_view bytes = take(sizeof(T));
    if (!failed) std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
  }
  std::string_view text() { return take(number<uint64_t>()); }
};

size_t scalar_bytes(uint32_t type) {
  constexpr size_t kBytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  return type < std::size(kBytes) ? kBytes[type] : 0;
}

void skip_value(Cursor& cursor, uint32_t type) {
  if (type == kString) {
    cursor.text();
  } else if (type == kArray) {
    const auto element = cursor.number<uint32_t>();
    const auto count = cursor.number<uint64_t>();
    const size_t bytes = scalar_bytes(element);
    if (bytes > 0 && count <= cursor.rest.size()) {
      cursor.take(count * bytes);
    } else if (element == kString && count <= cursor.rest.size()) {
      for (uint64_t i = 0; i < count && !cursor.failed; ++i) cursor.text();
    } else {
      cursor.failed = true;
    }
  } else {
    cursor.failed = cursor.failed || scalar_bytes(type) == 0;
    cursor.take(scalar_bytes(type));
  }
}

GgufPair take_pair(Cursor& cursor) {
  GgufPair pair;
  pair.key = cursor.text();
  pair.type = cursor.number<uint32_t>();
  const std::string_view before = cursor.rest;
  skip_value(cursor, pair.type);
  pair.value = before.substr(0, before.size() - cursor.rest.size());
  return pair;
}

GgufTensorInfo take_tensor(Cursor& cursor) {
  GgufTensorInfo tensor;
  tensor.name = cursor.text();
  const auto rank = cursor.number<uint32_t>();
  cursor.failed = cursor.failed || rank > kMost;
  for (uint32_t i = 0; i < rank && !cursor.failed; ++i) {
    tensor.dims.push_back(cursor.number<uint64_t>());
  }
  tensor.type = cursor.number<uint32_t>();
  tensor.offset = cursor.number<uint64_t>();
  return tensor;
}

template <typename T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void put_text(std::string& out, const std::string& text) {
  put<uint64_t>(out, text.size());
  out += text;
}

}  // namespace

std::optional<GgufParts> take_apart(std::string_view bytes) {
  Cursor cursor{bytes};
  if (cursor.take(4) != "GGUF") return std::nullopt;
  GgufParts parts;
  parts.version = cursor.number<uint32_t>();
  const auto tensors = cursor.number<uint64_t>();
  const auto pairs = cursor.number<uint64_t>();
  if (cursor.failed || tensors > kMost || pairs > kMost) return std::nullopt;
  for (uint64_t i = 0; i < pairs; ++i) parts.pairs.push_back(take_pair(cursor));
  for (uint64_t i = 0; i < tensors; ++i) parts.tensors.push_back(take_tensor(cursor));
  if (cursor.failed) return std::nullopt;
  const size_t used = bytes.size() - cursor.rest.size();
  cursor.take(std::min((kAlignment - used % kAlignment) % kAlignment, cursor.rest.size()));
  parts.data = cursor.rest;
  return parts;
}

std::string put_together(const GgufParts& parts) {
  std::string out = "GGUF";
  put(out, parts.version);
  put<uint64_t>(out, parts.tensors.size());
  put<uint64_t>(out, parts.pairs.size());
  for (const GgufPair& pair : parts.pairs) {
    put_text(out, pair.key);
    put(out, pair.type);
    out += pair.value;
  }
  for (const GgufTensorInfo& tensor : parts.tensors) {
    put_text(out, tensor.name);
    put(out, static_cast<uint32_t>(tensor.dims.size()));
    for (const uint64_t dim : tensor.dims) put(out, dim);
    put(out, tensor.type);
    put(out, tensor.offset);
  }
  if (!parts.tensors.empty()) out.resize((out.size() + kAlignment - 1) / kAlignment * kAlignment);
  return out + parts.data;
}

uint64_t plain_bytes(const GgufTensorInfo& tensor) {
  constexpr uint64_t kLargest = 1 << 16;
  uint64_t elements = 1;
  for (const uint64_t dim : tensor.dims) {
    if (dim > kLargest) return 0;
    elements *= dim;
    if (elements > kLargest) return 0;
  }
  switch (tensor.type) {
    case 0:
      return elements * 4;
    case 1:
    case 30:
      return elements * 2;
    case 2:
      return elements / 32 * 18;
    case 3:
      return elements / 32 * 20;
    case 8:
      return elements / 32 * 34;
    default:
      return 0;
  }
}

}  // namespace telora::fuzz
