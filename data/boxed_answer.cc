#include "data/boxed_answer.h"

#include <algorithm>
#include <vector>

#include "core/text.h"
#include "data/number_text.h"
#include "data/regex.h"

namespace telora {

namespace {

// Every line feed and the blanks behind it left out.
std::string join_lines(std::string_view text) {
  std::string out;
  bool skips = false;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    const char32_t code_point = next_code_point(text, at);
    skips = code_point == '\n' || (skips && is_python_blank(code_point));
    if (!skips) out += text.substr(begin, at - begin);
  }
  return out;
}

}  // namespace

std::string last_boxed(std::string_view completion) {
  // Possessive: braces decide where the content ends, so giving a character back never helps.
  static const Regex box(R"(\\boxed\{((?:[^{}]++|\{[^{}]*+\})*+)\})");
  const std::vector<std::string> found = box.captures(completion);
  if (found.empty()) return {};
  const std::string text = join_lines(strip_blanks(found.back()));
  const size_t begin = text.find_first_not_of(':');
  const size_t end = text.find_last_not_of("./");
  if (begin == std::string::npos || end == std::string::npos || end < begin) return {};
  return text.substr(begin, end + 1 - begin);
}

std::optional<std::string> first_integer(std::string_view text) {
  static const Regex digits(R"((\d+))");
  const std::vector<std::string> found = digits.captures(text);
  if (found.empty()) return std::nullopt;
  const std::string number = ascii_digits(found.front());
  return number.substr(std::min(number.find_first_not_of('0'), number.size() - 1));
}

}  // namespace telora
