#include "scoring/report_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "core/error.h"
#include "core/text.h"

namespace telora {

namespace {

// The first `count` characters of `text`.
std::string_view prefix(std::string_view text, size_t count) {
  size_t end = 0;
  for (size_t i = 0; i < count && end < text.size(); ++i) next_code_point(text, end);
  return text.substr(0, end);
}

}  // namespace

std::string grouped(int64_t value) {
  const std::string digits = std::to_string(value);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

std::string interval_text(const Interval& shares) {
  return fmt::format("[{:.1f}, {:.1f}]", 100 * shares.low, 100 * shares.high);
}

std::string p_text(double p) {
  if (p < 1e-99) return "< 1e-99";
  return p < 1e-3 ? fmt::format("{:.0e}", p) : fmt::format("{:.3f}", p);
}

std::string shortened(const std::string& name, size_t width) {
  const std::string text = printable(name, 4000);
  std::vector<size_t> starts;
  for (size_t pos = 0; pos < text.size(); next_code_point(text, pos)) starts.push_back(pos);
  if (starts.size() <= width) return text;
  return "…" + text.substr(starts[starts.size() - width + 1]);
}

std::string wrapped(std::string_view text, size_t columns, std::string_view indent) {
  std::string out;
  while (!text.empty()) {
    std::string_view line = prefix(text, columns - count_code_points(indent));
    if (line.size() < text.size() && text[line.size()] != ' ') {
      const size_t space = line.rfind(' ');
      if (space != std::string_view::npos && space > 0) line = line.substr(0, space);
    }
    out += fmt::format("{}{}\n", indent, line);
    text.remove_prefix(line.size());
    if (text.starts_with(' ')) text.remove_prefix(1);
  }
  return out;
}

}  // namespace telora
