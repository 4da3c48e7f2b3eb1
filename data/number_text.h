#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace telora {

// Whether Python counts a character as blank: str.strip(), \s of its regular expressions.
bool is_python_blank(char32_t code_point);

// str.strip(). `text` must be valid UTF-8, here and below.
std::string_view strip_blanks(std::string_view text);

// Decimal digits of any script as 0 … 9; underscores left out, all else as it is.
std::string ascii_digits(std::string_view number);

// The number that Python's float() makes of a text, or nothing where it raises: decimal digits of
// any script, single underscores between digits, blanks around, inf, infinity and nan in any case;
// no thousands separators, no hexadecimal. Too large is infinity, too small is 0.
std::optional<double> read_number(std::string_view text);

// GSMA evals, telemath: |a - b| <= max(0.01 · max(|a|, |b|), 0.01), as math.isclose decides it. The
// fixed 0.01 makes every answer near 0 right where the gold value is near 0.
bool close_by_official_rule(double a, double b);

// The same without the fixed part: |a - b| <= 0.01 · max(|a|, |b|).
bool close_relatively(double a, double b);

}  // namespace telora
