#include "backbone/decode_stream.h"

#include "core/text.h"

namespace telora {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// Whether `bytes` could begin a valid sequence: some continuation makes it one.
bool is_prefix_of_sequence(std::string_view bytes) {
  // The lowest and highest second byte bound the narrow cases (E0, ED, F0, F4).
  for (const char filler : {'\x80', '\xBF'}) {
    std::string candidate(bytes);
    while (candidate.size() < 4) {
      candidate += filler;
      if (utf8_sequence_length(candidate) > bytes.size()) return true;
    }
  }
  return false;
}

// Length of the longest prefix of an invalid `bytes` that could have begun a sequence, at least 1.
size_t invalid_length(std::string_view bytes) {
  size_t length = 1;
  while (length < bytes.size() && length < 3 &&
         is_prefix_of_sequence(bytes.substr(0, length + 1))) {
    ++length;
  }
  return length;
}

}  // namespace

std::string Utf8Stream::push(std::string_view bytes) {
  held_ += bytes;
  std::string out;
  size_t pos = 0;
  while (pos < held_.size()) {
    const std::string_view rest = std::string_view(held_).substr(pos);
    size_t length = utf8_sequence_length(rest);
    if (length > 0) {
      out += rest.substr(0, length);
    } else if (rest.size() < 4 && is_prefix_of_sequence(rest)) {
      break;
    } else {
      length = invalid_length(rest);
      out += kReplacement;
    }
    pos += length;
  }
  held_.erase(0, pos);
  return out;
}

std::string Utf8Stream::finish() {
  const bool incomplete = !held_.empty();
  held_.clear();
  return incomplete ? std::string(kReplacement) : std::string();
}

std::string replace_invalid_utf8(std::string_view bytes) {
  Utf8Stream stream;
  std::string out = stream.push(bytes);
  return out += stream.finish();
}

}  // namespace telora
