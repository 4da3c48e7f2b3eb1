#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace telora {

// Text as it stands between HTML or SVG tags and in quoted attributes: markup is escaped, bytes
// that are no UTF-8 and control bytes become U+FFFD (a newline stays).
std::string escape_markup(std::string_view text);

struct Point {
  double x = 0;
  double y = 0;
};

// A drawing for an HTML page. Colours come from CSS classes, so that one drawing serves light and
// dark; numbers are written with two digits, so that equal figures give equal bytes.
class Svg {
 public:
  // A drawing of its own shape, scaled down where there is less room. `label` is read aloud.
  Svg(double width, double height, std::string_view label);
  // One as wide as its place and `height` pixels high: x is then in percent of the width.
  static Svg strip(double height, std::string_view label);

  void line(Point from, Point to, std::string_view style);
  void rectangle(Point corner, double width, double height, std::string_view style,
                 std::string_view title = {});
  void circle(Point centre, double radius, std::string_view style, std::string_view title = {});
  void polyline(const std::vector<Point>& points, std::string_view style);
  // `anchor`: start, middle or end.
  void text(Point at, std::string_view text, std::string_view style,
            std::string_view anchor = "start");

  std::string str() const { return text_ + "</svg>"; }

 private:
  Svg() = default;
  std::string x(double value) const;

  std::string text_;
  bool percent_ = false;
};

}  // namespace telora
