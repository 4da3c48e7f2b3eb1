#pragma once

#include <string>
#include <string_view>

namespace telora {

// How the spelling of a token becomes the bytes it stands for.
struct DecodeRule {
  // What happens to the space at the beginning of decoded text.
  enum class Leading { kKeep, kDropOne, kDropInFirstToken };

  bool byte_level = true;    // spelled in the byte alphabet of GPT-2
  bool byte_pieces = false;  // <0x41> stands for one byte
  bool space_mark = false;   // ▁ stands for a space
  Leading leading = Leading::kKeep;
};

// Appends the bytes of the token spelled `spelled`. `at_start` says whether nothing came before it
// and is kept up to date; `whole`: an added token, which stands for its text.
void append_decoded(const DecodeRule& rule, std::string_view spelled, bool whole, bool& at_start,
                    std::string& out);

}  // namespace telora
