#include "tests/layout/functions.h"

#include <algorithm>
#include <cctype>
#include <regex>

#include "tests/layout/source_text.h"

namespace telora::layout {
namespace {

std::string on_one_line(std::string_view text) {
  std::string line;
  for (char c : text) {
    const bool space = std::isspace(static_cast<unsigned char>(c)) != 0;
    if (!space) line += c;
    if (space && !line.empty() && line.back() != ' ') line += ' ';
  }
  return line;
}

std::string without_preprocessor(std::string text) {
  bool directive = false;
  bool line_start = true;
  for (size_t i = 0; i < text.size(); ++i) {
    if (line_start && text[i] == '#') directive = true;
    if (text[i] == '\n') {
      directive = directive && i > 0 && text[i - 1] == '\\';
      line_start = true;
      continue;
    }
    if (text[i] != ' ') line_start = false;
    // A continued line keeps its backslash until the line break has been seen.
    if (directive && !(text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '\n'))
      text[i] = ' ';
    if (directive && i > 1 && text[i - 1] == '\n' && text[i - 2] == '\\') text[i - 2] = ' ';
  }
  return text;
}

size_t matching_brace(std::string_view text, size_t open) {
  int depth = 0;
  for (size_t i = open; i < text.size(); ++i) {
    if (text[i] == '{') ++depth;
    if (text[i] == '}' && --depth == 0) return i;
  }
  return text.size() - 1;
}

bool is_scope(const std::string& heading) {
  static const std::regex kScope(
      R"(^\s*((inline )?namespace\b|extern\s*$|(template <.*> )?(class|struct|union)\b[^()=]*$))");
  return std::regex_search(heading, kScope);
}

// Not an initialised variable: no single = stands before the first parenthesis.
bool is_function(const std::string& heading) {
  static const std::regex kAssigned(R"(^[^(]*[^=!<>]=[^=])");
  if (heading.find("operator") != std::string::npos) return true;
  return heading.find('(') != std::string::npos && !std::regex_search(heading, kAssigned);
}

// False for a braced value or a lambda among the arguments of a member initialiser.
bool parentheses_closed(const std::string& heading) {
  return std::count(heading.begin(), heading.end(), '(') ==
         std::count(heading.begin(), heading.end(), ')');
}

bool ends_access_label(std::string_view text, size_t colon) {
  const std::string_view before = text.substr(0, colon);
  return before.ends_with("public") || before.ends_with("protected") || before.ends_with("private");
}

}  // namespace

std::vector<Function> functions(std::string_view source) {
  const std::string text = without_preprocessor(without_comments_and_literals(source));
  std::vector<Function> found;
  size_t start = 0;  // of the statement being read
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ';' || text[i] == '}') start = i + 1;
    if (text[i] == ':' && ends_access_label(text, i)) start = i + 1;
    if (text[i] != '{') continue;
    const std::string heading = on_one_line(std::string_view(text).substr(start, i - start));
    if (is_scope(heading)) {
      start = i + 1;
      continue;
    }
    const size_t end = matching_brace(text, i);
    const bool body = i > 0 && text[i - 1] == ' ' && parentheses_closed(heading);
    if (body && is_function(heading)) {
      const size_t first = text.find_first_not_of(" \n\t", start);
      found.push_back(
          {heading, line_of(text, first), line_of(text, end) - line_of(text, first) + 1});
    }
    i = end;
    if (body) start = end + 1;
  }
  return found;
}

}  // namespace telora::layout
