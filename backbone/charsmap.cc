#include "backbone/charsmap.h"

#include <fmt/format.h>

#include <cstring>

#include "core/text.h"

namespace telora {

namespace {

constexpr size_t kHeaderBytes = 4;
constexpr size_t kBlockBytes = 1024;  // 256 units

// The parts of a darts-clone unit.
bool has_leaf(uint32_t unit) { return (unit >> 8) & 1; }
uint32_t value_of(uint32_t unit) { return unit & 0x7FFFFFFF; }
uint32_t label_of(uint32_t unit) { return unit & 0x800000FF; }
uint32_t offset_of(uint32_t unit) { return (unit >> 10) << ((unit & (1u << 9)) >> 6); }
bool is_value(uint32_t unit) { return unit >> 31; }

size_t trie_bytes(const std::string& blob, const Where& where) {
  uint32_t bytes = 0;
  if (blob.size() > kHeaderBytes) std::memcpy(&bytes, blob.data(), sizeof bytes);
  if (bytes == 0 || bytes % kBlockBytes != 0 || bytes >= blob.size() - kHeaderBytes) {
    fail(ErrorKind::kData, where, fmt::format("a trie of {} bytes in {} bytes", bytes, blob.size()),
         "a multiple of 1024 that leaves room for replacements");
  }
  return bytes;
}

}  // namespace

Charsmap::Charsmap(std::string blob, const Where& where) : blob_(std::move(blob)) {
  const size_t bytes = trie_bytes(blob_, where);
  units_ = bytes / sizeof(uint32_t);
  begin_ = kHeaderBytes + bytes;
  if (blob_.back() != '\0') {
    fail(ErrorKind::kData, where, "replacements without a NUL at the end", "one after each");
  }
  if (find_invalid_utf8(replacements()) != std::string_view::npos) {
    fail(ErrorKind::kData, where, "replacements that are not UTF-8", "valid UTF-8");
  }
  for (size_t i = 0; i < units_; ++i) check_unit(i, where);
}

uint32_t Charsmap::unit(size_t index) const {
  uint32_t value;
  std::memcpy(&value, blob_.data() + kHeaderBytes + index * sizeof value, sizeof value);
  return value;
}

// A lookup goes from unit i to i ^ offset ^ byte, so the whole block there must exist. It passes no
// value on its way, but it starts at unit 0 whatever that is.
void Charsmap::check_unit(size_t index, const Where& where) const {
  const uint32_t own = unit(index);
  if (index > 0 && is_value(own)) return;
  const size_t target = index ^ offset_of(own);
  if ((target | 0xFF) >= units_) {
    fail(ErrorKind::kData, where, fmt::format("trie unit {} that leads to {}", index, target),
         fmt::format("below {}", units_));
  }
  if (has_leaf(own)) check_value(target, where);
}

void Charsmap::check_value(size_t index, const Where& where) const {
  const uint32_t value = value_of(unit(index));
  const std::string_view texts = replacements();
  const bool inside = value < texts.size();
  if (inside && (static_cast<unsigned char>(texts[value]) & 0xC0) != 0x80) return;
  fail(ErrorKind::kData, where, fmt::format("trie unit {} with value {}", index, value),
       fmt::format("the offset of a replacement, below {}", texts.size()));
}

std::optional<std::string_view> Charsmap::find_shortest(std::string_view text) const {
  size_t node = offset_of(unit(0));
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte == 0) break;
    node ^= byte;
    const uint32_t own = unit(node);
    if (label_of(own) != byte) break;
    node ^= offset_of(own);
    if (!has_leaf(own)) continue;
    const std::string_view rest = replacements().substr(value_of(unit(node)));
    return rest.substr(0, rest.find('\0'));
  }
  return std::nullopt;
}

}  // namespace telora
