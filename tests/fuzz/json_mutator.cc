#include "tests/fuzz/json_mutator.h"

#include <cctype>

namespace telora::fuzz {

namespace {

struct Span {
  size_t begin;
  size_t end;
};

size_t string_end(std::string_view text, size_t i) {
  for (++i; i < text.size() && text[i] != '"'; ++i) i += text[i] == '\\' ? 1 : 0;
  return std::min(text.size(), i + 1);
}

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '+' || c == '.';
}

// Where every value and key lies, whatever the depth. Lenient: the text may be broken.
std::vector<Span> values_of(std::string_view text) {
  std::vector<Span> values;
  std::vector<size_t> open;
  for (size_t i = 0; i < text.size();) {
    const size_t begin = i;
    if (text[i] == '"') {
      i = string_end(text, i);
      values.push_back({begin, i});
    } else if (is_word(text[i])) {
      while (i < text.size() && is_word(text[i])) ++i;
      values.push_back({begin, i});
    } else {
      if (text[i] == '{' || text[i] == '[') open.push_back(i);
      const bool closes = (text[i] == '}' || text[i] == ']') && !open.empty();
      ++i;
      if (!closes) continue;
      values.push_back({open.back(), i});
      open.pop_back();
    }
  }
  return values;
}

std::string replaced(std::string_view text, Span at, std::string_view by) {
  return std::string(text.substr(0, at.begin)) + std::string(by) + std::string(text.substr(at.end));
}

// A value with the key before it, if it has one, and the comma behind.
Span member(std::string_view text, Span value) {
  size_t begin = value.begin;
  if (begin > 0 && text[begin - 1] == ':') {
    const size_t quote = begin < 3 ? std::string_view::npos : text.rfind('"', begin - 3);
    if (quote != std::string_view::npos) begin = quote;
  }
  const bool comma = value.end < text.size() && text[value.end] == ',';
  return {begin, value.end + (comma ? 1 : 0)};
}

std::string repeat_member(std::string_view text, Span at) {
  std::string part(text.substr(at.begin, at.end - at.begin));
  if (!part.ends_with(',')) part += ',';
  return replaced(text, {at.begin, at.begin}, part);
}

std::string other_string(std::string_view text, Span at, size_t limit) {
  const std::string_view inner = text.substr(at.begin + 1, at.end - at.begin - 2);
  return replaced(text, at, '"' + mutate_bytes(inner, std::min(limit, inner.size() + 8)) + '"');
}

std::string one_change(std::string_view text, size_t limit, const std::vector<std::string>& words,
                       Choices& choices) {
  const std::vector<Span> values = values_of(text);
  if (values.empty() || choices.one_in(20)) return mutate_bytes(text, limit);
  const Span at = choices.any_of(values);
  const std::string_view value = text.substr(at.begin, at.end - at.begin);
  switch (choices.below(8)) {
    case 0:
      return replaced(text, member(text, at), "");
    case 1:
      return repeat_member(text, member(text, at));
    case 2: {
      const Span other = choices.any_of(values);
      return replaced(text, at, text.substr(other.begin, other.end - other.begin));
    }
    case 3:
      return replaced(text, at, (choices.one_in(2) ? "[" : "{\"x\":") + std::string(value) + ']');
    case 4:
      return replaced(text, at, std::to_string(static_cast<int64_t>(odd_number(choices))));
    case 5:
      if (value.size() >= 2 && value[0] == '"') return other_string(text, at, limit);
      [[fallthrough]];
    default:
      return replaced(text, at, choices.any_of(words));
  }
}

}  // namespace

std::string mutate_json(std::string_view text, size_t limit, const std::vector<std::string>& words,
                        Choices& choices) {
  std::string out(text);
  const size_t changes = 1 + choices.below(3);
  for (size_t i = 0; i < changes; ++i) out = one_change(out, limit, words, choices);
  return out.substr(0, limit);
}

}  // namespace telora::fuzz
