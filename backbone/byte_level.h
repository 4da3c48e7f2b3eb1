#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace telora {

// The byte alphabet of GPT-2: every byte is spelled as one printable character (space as Ġ, line
// feed as Ċ), so that vocabulary entries are valid text whatever bytes they stand for.

// `bytes` in that spelling.
std::string to_byte_alphabet(std::string_view bytes);

// The bytes that `spelled` stands for; empty if a character is not of the alphabet.
std::optional<std::string> from_byte_alphabet(std::string_view spelled);

// The spelling of one byte.
std::string_view byte_spelling(unsigned char byte);

}  // namespace telora
