#include "data/number_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <clocale>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "core/text.h"
#include "data/regex.h"

namespace telora {

namespace {

constexpr double kTolerance = 0.01;

bool is_digit(char32_t code_point) {
  static const Regex digit(R"(\d)");
  return code_point < 0x80 ? code_point >= '0' && code_point <= '9'
                           : digit.matches(to_utf8(code_point));
}

// Decimal digits of every script stand in unbroken runs that begin with its zero (Unicode, 4.6);
// where several runs of ten meet, each has ten members.
char ascii_digit(char32_t code_point) {
  char32_t zero = code_point;
  while (is_digit(zero - 1)) --zero;
  return static_cast<char>('0' + (code_point - zero) % 10);
}

bool is_close(double a, double b, double absolute) {
  if (a == b) return true;  // infinities too
  if (!std::isfinite(a) || !std::isfinite(b)) return false;
  const double relative = kTolerance * std::max(std::fabs(a), std::fabs(b));
  return std::fabs(a - b) <= std::max(relative, absolute);
}

}  // namespace

bool is_python_blank(char32_t code_point) {
  if (code_point <= 0x20) return (code_point >= 0x09 && code_point <= 0x0D) || code_point >= 0x1C;
  if (code_point >= 0x2000 && code_point <= 0x200A) return true;
  constexpr std::u32string_view kOthers = U"\u0085\u00A0\u1680\u2028\u2029\u202F\u205F\u3000";
  return kOthers.find(code_point) != std::u32string_view::npos;
}

std::string_view strip_blanks(std::string_view text) {
  size_t begin = std::string_view::npos, end = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t start = at;
    if (is_python_blank(next_code_point(text, at))) continue;
    begin = std::min(begin, start);
    end = at;
  }
  return end == 0 ? std::string_view() : text.substr(begin, end - begin);
}

std::string ascii_digits(std::string_view number) {
  std::string out;
  for (size_t at = 0; at < number.size();) {
    const size_t begin = at;
    const char32_t code_point = next_code_point(number, at);
    if (code_point == '_') continue;
    if (is_digit(code_point)) {
      out += ascii_digit(code_point);
    } else {
      out += number.substr(begin, at - begin);
    }
  }
  return out;
}

std::optional<double> read_number(std::string_view text) {
  static const Regex number(
      fmt::format(R"(\A([+-]?(?:(?:{0}(?:\.(?:{0})?)?|\.{0})(?:e[+-]?{0})?|inf(?:inity)?|nan))\z)",
                  R"(\d(?:_?\d)*+)"),
      {.ignore_case = true});
  // float() is stricter than str.strip(): separators of ASCII are no blanks to it.
  if (text.find_first_of("\x1c\x1d\x1e\x1f") != std::string_view::npos) return std::nullopt;
  static const locale_t c_locale = newlocale(LC_ALL_MASK, "C", nullptr);
  const std::vector<std::string> found = number.captures(strip_blanks(text));
  if (found.empty()) return std::nullopt;
  return strtod_l(ascii_digits(found.front()).c_str(), nullptr, c_locale);
}

bool close_by_official_rule(double a, double b) { return is_close(a, b, kTolerance); }

bool close_relatively(double a, double b) { return is_close(a, b, 0); }

}  // namespace telora
