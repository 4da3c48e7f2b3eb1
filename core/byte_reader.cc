#include "core/byte_reader.h"

#include <fmt/format.h>

#include <algorithm>

namespace telora {

namespace {

constexpr uint64_t kWindowBytes = uint64_t{1} << 18;

}  // namespace

void ByteReader::fail(std::string_view found, std::string_view want,
                      std::string_view advice) const {
  telora::fail(ErrorKind::kData, {file_.name(), field_, offset_}, found, want, advice);
}

void ByteReader::require(uint64_t bytes) const {
  if (bytes <= remaining()) return;
  fail(fmt::format("{} bytes before the end of the file", remaining()),
       fmt::format("{} bytes", bytes), "the file is cut off or damaged");
}

void ByteReader::read(std::span<std::byte> out) {
  require(out.size());
  while (!out.empty()) {
    const uint64_t skip = offset_ - buffer_begin_;
    if (skip >= buffer_.size()) {
      buffer_.resize(std::min(kWindowBytes, remaining()));
      file_.read(offset_, buffer_);
      buffer_begin_ = offset_;
      continue;
    }
    const size_t count = std::min<uint64_t>(out.size(), buffer_.size() - skip);
    std::memcpy(out.data(), buffer_.data() + skip, count);
    out = out.subspan(count);
    offset_ += count;
  }
}

std::string ByteReader::text(uint64_t length) {
  require(length);
  std::string text(length, '\0');
  read(std::as_writable_bytes(std::span(text)));
  return text;
}

}  // namespace telora
