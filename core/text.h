#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace telora {

// Length in bytes of the valid UTF-8 sequence at the start of `text` (RFC 3629: no surrogates, no
// overlong forms); 0 if there is none.
size_t utf8_sequence_length(std::string_view text);

// Offset of the first byte that is not valid UTF-8, or npos.
size_t find_invalid_utf8(std::string_view text);

// Decodes the sequence at text[pos] (which must be valid) and advances pos.
char32_t next_code_point(std::string_view text, size_t& pos);

// Code points of valid UTF-8: bytes that do not continue a character.
size_t count_code_points(std::string_view text);

std::string to_utf8(char32_t code_point);

// The candidate with the smallest edit distance to `word`; empty if none is near enough to be a
// slip.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace telora
