#include "backbone/byte_level.h"

#include <array>

#include "core/text.h"

namespace telora {

namespace {

constexpr size_t kAlphabetEnd = 0x100 + 68;  // 68 bytes have no printable character of their own

bool stands_for_itself(int byte) {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

struct Alphabet {
  std::array<std::string, 256> spelling;
  std::array<int, kAlphabetEnd> byte_of;  // by code point; -1 outside the alphabet

  Alphabet() {
    byte_of.fill(-1);
    char32_t next = 0x100;
    for (int byte = 0; byte < 256; ++byte) {
      const char32_t code_point = stands_for_itself(byte) ? static_cast<char32_t>(byte) : next++;
      spelling[byte] = to_utf8(code_point);
      byte_of[code_point] = byte;
    }
  }
};

const Alphabet& alphabet() {
  static const Alphabet instance;
  return instance;
}

}  // namespace

std::string_view byte_spelling(unsigned char byte) { return alphabet().spelling[byte]; }

std::string to_byte_alphabet(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char byte : bytes) out += byte_spelling(static_cast<unsigned char>(byte));
  return out;
}

std::optional<std::string> from_byte_alphabet(std::string_view spelled) {
  std::string out;
  out.reserve(spelled.size());
  for (size_t pos = 0; pos < spelled.size();) {
    if (utf8_sequence_length(spelled.substr(pos)) == 0) return std::nullopt;
    const char32_t code_point = next_code_point(spelled, pos);
    if (code_point >= kAlphabetEnd || alphabet().byte_of[code_point] < 0) return std::nullopt;
    out += static_cast<char>(alphabet().byte_of[code_point]);
  }
  return out;
}

}  // namespace telora
