#include "backbone/detokenizer.h"

#include <cctype>
#include <charconv>

#include "backbone/byte_level.h"

namespace telora {

namespace {

constexpr std::string_view kSpaceMark = "\xE2\x96\x81";  // U+2581

bool is_byte_piece(std::string_view text) {
  return text.size() == 6 && text.starts_with("<0x") && text[5] == '>' &&
         std::isxdigit(static_cast<unsigned char>(text[3])) &&
         std::isxdigit(static_cast<unsigned char>(text[4]));
}

char byte_of(std::string_view piece) {
  int value = 0;
  std::from_chars(piece.data() + 3, piece.data() + 5, value, 16);
  return static_cast<char>(value);
}

void append_with_spaces(std::string_view text, std::string_view space, std::string& out) {
  size_t done = 0;
  for (size_t at; (at = text.find(kSpaceMark, done)) != text.npos; done = at + kSpaceMark.size()) {
    out.append(text, done, at - done).append(space);
  }
  out += text.substr(done);
}

}  // namespace

void append_decoded(const DecodeRule& rule, std::string_view spelled, bool whole, bool& at_start,
                    std::string& out) {
  using Leading = DecodeRule::Leading;
  const size_t before = out.size();
  if (rule.byte_level) {
    out +=
        whole ? std::string(spelled) : from_byte_alphabet(spelled).value_or(std::string(spelled));
  } else if (rule.byte_pieces && is_byte_piece(spelled)) {
    out += byte_of(spelled);
  } else if (rule.space_mark) {
    const bool dropped = at_start && rule.leading == Leading::kDropInFirstToken;
    append_with_spaces(spelled, dropped ? "" : " ", out);
  } else {
    out += spelled;
  }
  const bool nothing = out.size() == before;
  if (at_start && rule.leading == Leading::kDropOne && !nothing && out[before] == ' ') {
    out.erase(before, 1);
  }
  if (!nothing || rule.leading == Leading::kDropInFirstToken) at_start = false;
}

}  // namespace telora
