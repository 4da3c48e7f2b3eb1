#include "scoring/report_charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scoring/report_text.h"
#include "scoring/svg.h"

namespace telora {

namespace {

constexpr double kStripHeight = 26;
constexpr double kStripMiddle = kStripHeight / 2;

// A square of 0 to 1 in both directions within a drawing that fits a phone.
struct Frame {
  double left = 44, top = 22, width = 272, height = 220;
  double total_width = 340, total_height = 288;
  double y_most = 1;

  Point at(double x, double y) const {
    return {left + x * width, top + height - std::min(1.0, y / y_most) * height};
  }
};

void draw_axes(Svg& svg, const Frame& f, std::string_view x_label, std::string_view y_label) {
  for (int i = 0; i <= 4; ++i) {
    const double share = i / 4.0;
    const Point left = f.at(0, share * f.y_most), bottom = f.at(share, 0);
    svg.line(left, f.at(1, share * f.y_most), "grid");
    svg.text({left.x - 6, left.y + 4}, fmt::format("{:.0f} %", 100 * share * f.y_most), "tick",
             "end");
    svg.text({bottom.x, bottom.y + 16}, fmt::format("{:.0f} %", 100 * share), "tick", "middle");
  }
  svg.text({f.left + f.width / 2, f.total_height - 6}, x_label, "axis", "middle");
  svg.text({f.left, f.top - 8}, y_label, "axis");
}

std::string strip_row(const StripRow& row, std::optional<double> free,
                      std::optional<double> chance) {
  const std::string value = percent(row.rate);
  Svg svg = Svg::strip(kStripHeight, row.label + ": " + value);
  svg.line({0, kStripMiddle}, {100, kStripMiddle}, "grid");
  if (chance) svg.line({100 * *chance, 0}, {100 * *chance, kStripHeight}, "chance");
  if (free) svg.line({100 * *free, 0}, {100 * *free, kStripHeight}, "free");
  if (row.interval) {
    svg.line({100 * row.interval->low, kStripMiddle}, {100 * row.interval->high, kStripMiddle},
             "whisker " + row.style);
  }
  svg.circle({100 * row.rate, kStripMiddle}, 5.5, "mark " + row.style, row.label + ": " + value);
  return fmt::format(
      "<div class=\"strip-row\"><div class=\"label\">{}{}</div><div class=\"bar\">{}</div>"
      "<div class=\"value\">{}<small>{}</small></div></div>\n",
      escape_markup(row.label),
      row.note.empty() ? "" : "<small>" + escape_markup(row.note) + "</small>", svg.str(), value,
      row.interval ? interval_text(*row.interval) : "");
}

std::string strip_axis() {
  Svg svg = Svg::strip(20, "axis from 0 to 100 percent");
  for (int i = 0; i <= 4; ++i) {
    const char* anchor = i == 0 ? "start" : i == 4 ? "end" : "middle";
    svg.text({25.0 * i, 13}, fmt::format("{} %", 25 * i), "tick", anchor);
  }
  return "<div class=\"strip-row axis-row\"><div class=\"label\"></div><div class=\"bar\">" +
         svg.str() + "</div><div class=\"value\"></div></div>\n";
}

std::string figure(const Svg& svg, std::string_view caption) {
  return fmt::format("<figure>{}<figcaption>{}</figcaption></figure>\n", svg.str(), caption);
}

// Ten steps of a colour, by share of a row.
int heat(int64_t count, int64_t row_total) {
  if (count == 0 || row_total == 0) return 0;
  return std::clamp(static_cast<int>(std::ceil(10.0 * static_cast<double>(count) /
                                               static_cast<double>(row_total))),
                    1, 10);
}

struct Grid {
  double left = 78, top = 78, cell = 34;
};

void draw_cell(Svg& svg, const Grid& g, const ClassResult& c, size_t row, size_t column) {
  int64_t total = 0;
  for (const int64_t count : c.counts[row]) total += count;
  const int64_t count = c.counts[row][column];
  const bool unread = column == c.classes.size();
  const std::string answer = unread ? "not understood" : c.classes[column];
  const Point corner{g.left + static_cast<double>(column) * g.cell,
                     g.top + static_cast<double>(row) * g.cell};
  svg.rectangle(corner, g.cell - 2, g.cell - 2,
                fmt::format("heat {} h{}", column == row ? "hit" : "miss", heat(count, total)),
                fmt::format("{} answered as {}: {} of {}", c.classes[row], answer, count, total));
  if (count == 0) return;
  svg.text({corner.x + g.cell / 2 - 1, corner.y + g.cell / 2 + 4}, std::to_string(count), "count",
           "middle");
}

std::string turned_labels(const Grid& g, const ClassResult& c) {
  std::string text;
  for (size_t i = 0; i <= c.classes.size(); ++i) {
    const double x = g.left + (static_cast<double>(i) + 0.5) * g.cell;
    text += fmt::format(
        "<text class=\"tick\" transform=\"translate({:.1f},{:.1f}) rotate(-60)\">{}</text>", x,
        g.top - 6, i < c.classes.size() ? escape_markup(shortened(c.classes[i], 9)) : "unread");
  }
  return text;
}

}  // namespace

std::string accuracy_chart(const std::vector<StripRow>& rows, std::optional<double> free,
                           std::optional<double> chance) {
  std::string text = "<div class=\"strips\">\n" + strip_axis();
  for (const StripRow& row : rows) text += strip_row(row, free, chance);
  return text + "</div>\n";
}

std::string histogram_chart(const AnswerHistogram& h) {
  constexpr double kWidth = 340, kHeight = 190, kBottom = 150, kLeft = 8;
  int64_t most = std::max<int64_t>(1, h.unparsed);
  for (const AnswerCount& a : h.answers) most = std::max({most, a.gold, a.predicted});
  const double slot = (kWidth - 2 * kLeft) / static_cast<double>(h.answers.size() + 1);
  const double bar = std::min(26.0, slot * 0.38);
  Svg svg(kWidth, kHeight, "how often each answer is right and how often it was given");
  svg.line({kLeft, kBottom}, {kWidth - kLeft, kBottom}, "grid");
  const auto draw = [&](double x, int64_t count, std::string_view style, const std::string& title) {
    const double height = 124 * static_cast<double>(count) / static_cast<double>(most);
    svg.rectangle({x, kBottom - height}, bar, height, style, title);
    svg.text({x + bar / 2, kBottom - height - 4}, std::to_string(count), "count", "middle");
  };
  double x = kLeft + slot / 2;
  for (const AnswerCount& a : h.answers) {
    draw(x - bar - 1, a.gold, "bar-gold", a.answer + " is right: " + std::to_string(a.gold));
    draw(x + 1, a.predicted, "bar-given", a.answer + " given: " + std::to_string(a.predicted));
    svg.text({x, kBottom + 16}, shortened(a.answer, 6), "axis", "middle");
    x += slot;
  }
  draw(x - bar / 2, h.unparsed, "bar-none", "not understood: " + std::to_string(h.unparsed));
  svg.text({x, kBottom + 16}, "unread", "tick", "middle");
  svg.text({kLeft, kHeight - 6}, "outlined: right answers · filled: answers given", "tick");
  return figure(svg, escape_markup(h.metric));
}

std::string confusion_chart(const ClassResult& c) {
  const Grid g;
  const double columns = static_cast<double>(c.classes.size());
  Svg svg(g.left + (columns + 1) * g.cell + 26, g.top + columns * g.cell + 6,
          "right class in rows, answer in columns");
  for (size_t row = 0; row < c.classes.size(); ++row) {
    svg.text({g.left - 8, g.top + (static_cast<double>(row) + 0.5) * g.cell + 4},
             shortened(c.classes[row], 9), "tick", "end");
    for (size_t column = 0; column <= c.classes.size(); ++column) draw_cell(svg, g, c, row, column);
  }
  std::string drawing = svg.str();
  drawing.insert(drawing.rfind("</svg>"), turned_labels(g, c));
  return fmt::format(
      "<figure class=\"wide\"><div class=\"scroll\" tabindex=\"0\">{}</div><figcaption>{}: right "
      "class in rows, answer in columns · macro-F1 {:.3f}</figcaption></figure>\n",
      drawing, escape_markup(c.metric), c.macro_f1());
}

std::string reliability_chart(const CalibrationResult& calibration) {
  const Frame f;
  Svg svg(f.total_width, f.total_height, "share of right answers by confidence");
  draw_axes(svg, f, "confidence", "right");
  for (const ReliabilityBin& bin : calibration.bins) {
    if (bin.n == 0) continue;
    const double right = static_cast<double>(bin.correct) / static_cast<double>(bin.n);
    const Interval interval = wilson(bin.correct, bin.n);
    const Point top = f.at(bin.low, right), bottom = f.at(bin.high, 0);
    svg.rectangle({top.x + 1.5, top.y}, bottom.x - top.x - 3, bottom.y - top.y, "bar-given",
                  fmt::format("{} answers, mean confidence {}, right {}", bin.n,
                              percent(bin.confidence), percent(right)));
    const double middle = (bin.low + bin.high) / 2;
    svg.line(f.at(middle, interval.low), f.at(middle, interval.high), "error-bar");
  }
  svg.line(f.at(0, 0), f.at(1, 1), "ideal");
  return figure(svg, fmt::format("Bars on the dashed line: as sure as it should be. Mean distance "
                                 "{} (expected calibration error).",
                                 percent(calibration_error(calibration.bins))));
}

std::string risk_chart(const CalibrationResult& calibration) {
  Frame f;
  double most = 0.1;
  for (const Coverage& point : calibration.curve) most = std::max(most, point.risk());
  f.y_most = most > 0.2 ? std::ceil(most * 5) / 5 : most > 0.1 ? 0.2 : 0.1;
  Svg svg(f.total_width, f.total_height, "share of wrong answers by share of questions answered");
  draw_axes(svg, f, "questions answered, the surest first", "wrong");
  const auto share = [&](const Coverage& point) {
    return static_cast<double>(point.answered) / static_cast<double>(calibration.n);
  };
  std::vector<Point> line;
  for (const Coverage& point : calibration.curve) line.push_back(f.at(share(point), point.risk()));
  svg.polyline(line, "curve");
  for (const RiskTarget& target : calibration.targets) {
    if (!target.kept) continue;
    svg.circle(f.at(share(*target.kept), target.kept->risk()), 5, "mark adapter",
               fmt::format("at most {} wrong: answer from confidence {:.3f} on",
                           percent(target.target), target.kept->threshold));
  }
  return figure(svg, fmt::format("Area under the curve {:.3f}; the lower, the better its "
                                 "confidence tells right from wrong.",
                                 calibration.area_under_risk));
}

}  // namespace telora
