#pragma once

#include <string>
#include <string_view>

namespace telora {

// Turns bytes that arrive in any portions into valid UTF-8: the incomplete end of a portion is held
// back until the rest arrives; what can never become valid is replaced by U+FFFD, one for each
// longest prefix of a valid sequence (the practice of the Unicode standard, section 3.9).
class Utf8Stream {
 public:
  std::string push(std::string_view bytes);
  std::string finish();  // what was held back, replaced; the stream starts anew

 private:
  std::string held_;
};

// All of `bytes` at once.
std::string replace_invalid_utf8(std::string_view bytes);

}  // namespace telora
