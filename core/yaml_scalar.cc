#include "core/yaml_scalar.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>

namespace telora {

namespace {

size_t skip_digits(std::string_view text, size_t at) {
  while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
  return at;
}

struct NumberShape {
  bool number = false;
  bool integer = false;
};

// JSON's number grammar: -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?
NumberShape shape_of(std::string_view text) {
  size_t at = text.starts_with('-') ? 1 : 0;
  const size_t digits = at;
  at = skip_digits(text, at);
  if (at == digits || (text[digits] == '0' && at > digits + 1)) return {};
  const size_t whole = at;
  if (at < text.size() && text[at] == '.') {
    const size_t fraction = ++at;
    at = skip_digits(text, at);
    if (at == fraction) return {};
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    if (++at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    const size_t exponent = at;
    at = skip_digits(text, at);
    if (at == exponent) return {};
  }
  return {.number = at == text.size(), .integer = at == whole};
}

template <typename T>
std::optional<nlohmann::ordered_json> read_as(std::string_view text) {
  T value{};
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc{}) return std::nullopt;
  return nlohmann::ordered_json(value);
}

}  // namespace

std::optional<nlohmann::ordered_json> read_yaml_scalar(std::string_view text) {
  if (text == "true") return nlohmann::ordered_json(true);
  if (text == "false") return nlohmann::ordered_json(false);
  if (text == "null" || text == "~" || text.empty()) return nlohmann::ordered_json(nullptr);
  const NumberShape shape = shape_of(text);
  if (!shape.number) return nlohmann::ordered_json(std::string(text));
  if (!shape.integer) return read_as<double>(text);
  return text.starts_with('-') ? read_as<int64_t>(text) : read_as<uint64_t>(text);
}

}  // namespace telora
