#include "scoring/svg.h"

#include <fmt/format.h>

#include "core/text.h"

namespace telora {

namespace {

// "12", "12.5", "12.25": two digits at most, never "-0".
std::string number(double value) {
  std::string text = fmt::format("{:.2f}", value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text == "-0" ? "0" : text;
}

std::string title_of(std::string_view title) {
  return title.empty() ? "" : fmt::format("<title>{}</title>", escape_markup(title));
}

std::string_view entity(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      return {};
  }
}

}  // namespace

std::string escape_markup(std::string_view text) {
  constexpr std::string_view kReplacement = "\xef\xbf\xbd";
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const size_t length = utf8_sequence_length(text.substr(i));
    const auto byte = static_cast<unsigned char>(text[i]);
    const std::string_view escaped = entity(text[i]);
    if (!escaped.empty()) {
      out += escaped;
    } else if (length == 0 || (byte < 0x20 && byte != '\n') || byte == 0x7f) {
      out += kReplacement;
    } else {
      out += text.substr(i, length);
    }
    i += length == 0 ? 1 : length;
  }
  return out;
}

Svg::Svg(double width, double height, std::string_view label)
    : text_(fmt::format("<svg class=\"plot\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" role=\"img\" "
                        "aria-label=\"{2}\">",
                        number(width), number(height), escape_markup(label))) {}

Svg Svg::strip(double height, std::string_view label) {
  Svg svg;
  svg.percent_ = true;
  svg.text_ = fmt::format(
      "<svg class=\"strip\" width=\"100%\" height=\"{}\" role=\"img\" aria-label=\"{}\">",
      number(height), escape_markup(label));
  return svg;
}

std::string Svg::x(double value) const { return number(value) + (percent_ ? "%" : ""); }

void Svg::line(Point from, Point to, std::string_view style) {
  text_ += fmt::format("<line class=\"{}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>", style,
                       x(from.x), number(from.y), x(to.x), number(to.y));
}

void Svg::rectangle(Point corner, double width, double height, std::string_view style,
                    std::string_view title) {
  text_ +=
      fmt::format("<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\">{}</rect>",
                  style, x(corner.x), number(corner.y), x(width), number(height), title_of(title));
}

void Svg::circle(Point centre, double radius, std::string_view style, std::string_view title) {
  text_ += fmt::format("<circle class=\"{}\" cx=\"{}\" cy=\"{}\" r=\"{}\">{}</circle>", style,
                       x(centre.x), number(centre.y), number(radius), title_of(title));
}

void Svg::polyline(const std::vector<Point>& points, std::string_view style) {
  std::string list;
  for (const Point& point : points) {
    list += fmt::format("{}{},{}", list.empty() ? "" : " ", number(point.x), number(point.y));
  }
  text_ += fmt::format("<polyline class=\"{}\" points=\"{}\"/>", style, list);
}

void Svg::text(Point at, std::string_view text, std::string_view style, std::string_view anchor) {
  text_ += fmt::format("<text class=\"{}\" x=\"{}\" y=\"{}\" text-anchor=\"{}\">{}</text>", style,
                       x(at.x), number(at.y), anchor, escape_markup(text));
}

}  // namespace telora
