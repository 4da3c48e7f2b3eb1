#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ablate/ablation_report.h"
#include "scoring/html_table.h"
#include "scoring/report_style.h"
#include "scoring/report_text.h"
#include "scoring/svg.h"

namespace telora {

namespace {

std::string text(std::string_view raw) { return escape_markup(raw); }

// A plot's frame and scales.
struct Frame {
  static constexpr double kWidth = 520, kHeight = 300, kLeft = 52, kRight = 14, kTop = 14,
                          kBottom = 42;
  double x0 = 0, x1 = 1, y0 = 0, y1 = 1;
  bool log_x = false;

  double x(double value) const {
    const auto scaled = [&](double v) { return log_x ? std::log2(std::max(v, 1e-12)) : v; };
    const double span = std::max(1e-12, scaled(x1) - scaled(x0));
    return kLeft + (scaled(value) - scaled(x0)) / span * (kWidth - kLeft - kRight);
  }
  double y(double value) const {
    return kHeight - kBottom - (value - y0) / std::max(1e-12, y1 - y0) * (kHeight - kTop - kBottom);
  }
};

void draw_axes(Svg& svg, const Frame& f, const std::string& x_name, const std::string& y_name) {
  for (int i = 0; i <= 4; ++i) {
    const double value = f.y0 + (f.y1 - f.y0) * i / 4;
    svg.line({Frame::kLeft, f.y(value)}, {Frame::kWidth - Frame::kRight, f.y(value)}, "grid");
    svg.text({Frame::kLeft - 6, f.y(value) + 4}, fmt::format("{:.0f} %", 100 * value), "tick",
             "end");
  }
  svg.text({(Frame::kLeft + Frame::kWidth) / 2, Frame::kHeight - 6}, x_name, "tick", "middle");
  svg.text({4, 10}, y_name, "tick");
}

// Rounded outwards to whole tens of percent.
void set_y(Frame& f, double low, double high) {
  f.y0 = std::max(0.0, std::floor(low * 10 - 0.2) / 10);
  f.y1 = std::min(1.0, std::ceil(high * 10 + 0.2) / 10);
}

std::string bytes_text(double bytes) { return fmt::format("{:.1f} MB", bytes / 1e6); }

// Accuracy with its interval against the adapter's size; the front joined by a line.
std::string size_chart(const Ablation& a) {
  Frame f{.log_x = true};
  double low = a.free_rate.value_or(1), high = a.free_rate.value_or(0);
  f.x0 = f.x1 = a.groups.front().adapter_bytes;
  for (const AblationGroup& group : a.groups) {
    low = std::min({low, group.interval.low, group.lowest});
    high = std::max({high, group.interval.high, group.highest});
    f.x0 = std::min(f.x0, group.adapter_bytes);
    f.x1 = std::max(f.x1, group.adapter_bytes);
  }
  f.x0 *= 0.8;
  f.x1 *= 1.25;
  set_y(f, low, high);
  Svg svg(Frame::kWidth, Frame::kHeight, "accuracy with its interval by size of the adapter");
  draw_axes(svg, f, "size of the adapter", "accuracy, test part");
  if (a.free_rate) {
    svg.line({Frame::kLeft, f.y(*a.free_rate)}, {Frame::kWidth - Frame::kRight, f.y(*a.free_rate)},
             "free");
  }
  std::vector<const AblationGroup*> front;
  for (const AblationGroup& group : a.groups) {
    if (group.on_front) front.push_back(&group);
  }
  std::ranges::sort(front, {}, &AblationGroup::adapter_bytes);
  std::vector<Point> line;
  for (const AblationGroup* group : front) {
    line.push_back({f.x(group->adapter_bytes), f.y(group->accuracy)});
  }
  svg.polyline(line, "ideal");
  for (const AblationGroup& group : a.groups) {
    const double x = f.x(group.adapter_bytes);
    svg.line({x, f.y(group.interval.low)}, {x, f.y(group.interval.high)}, "whisker adapter");
    for (const size_t run : group.runs) {
      if (group.runs.size() > 1) svg.circle({x, f.y(a.runs[run].score->rate())}, 2.5, "mark base");
    }
    svg.circle({x, f.y(group.accuracy)}, 5, "mark adapter",
               fmt::format("{}: {} {}, {}", group.name, percent(group.accuracy),
                           interval_text(group.interval), bytes_text(group.adapter_bytes)));
    svg.text({x, Frame::kHeight - 24}, shortened(group.name, 14), "tick", "middle");
  }
  return fmt::format(
      "<figure class=\"wide\">{}<figcaption>Circles: accuracy with 95 % interval{}. Dashed: none "
      "is as small and better.{}</figcaption></figure>\n",
      svg.str(),
      std::ranges::any_of(a.groups, [](const auto& g) { return g.runs.size() > 1; })
          ? "; small ones: single seeds"
          : "",
      a.free_rate ? fmt::format(" Line: what costs nothing ({}, {}).", text(a.free_name),
                                percent(*a.free_rate))
                  : "");
}

// The selection metric on the validation part by step, a line a run.
std::string curves_chart(const Ablation& a) {
  Frame f{.x0 = 0, .x1 = 1};
  double low = 1, high = 0;
  for (const AblationRun& run : a.runs) {
    for (const CurvePoint& point : run.curve) {
      if (!point.value) continue;
      low = std::min(low, *point.value);
      high = std::max(high, *point.value);
      f.x1 = std::max(f.x1, static_cast<double>(point.step));
    }
  }
  if (high < low) return "";
  set_y(f, low, high);
  Svg svg(Frame::kWidth, Frame::kHeight, "learning curves");
  draw_axes(svg, f, "step", "validation part");
  for (int i = 1; i <= 4; ++i) {
    const double step = f.x1 * i / 4;
    svg.text({f.x(step), Frame::kHeight - 24}, fmt::format("{:.0f}", step), "tick", "middle");
  }
  for (const AblationRun& run : a.runs) {
    std::vector<Point> line;
    for (const CurvePoint& point : run.curve) {
      if (point.value) line.push_back({f.x(static_cast<double>(point.step)), f.y(*point.value)});
    }
    if (line.empty()) continue;
    svg.polyline(line, "curve");
    svg.circle(line.back(), 3, "mark adapter", run.name);
    svg.text({std::min(line.back().x + 6, Frame::kWidth - 40), line.back().y - 4},
             shortened(run.name, 12), "tick");
  }
  return "<figure class=\"wide\">" + svg.str() +
         "<figcaption>The selection metric on the validation part, by "
         "step.</figcaption></figure>\n";
}

std::string groups_table(const Ablation& a) {
  HtmlTable table(
      {"", "seeds", "accuracy", "95 % interval", "lowest–highest", "adapter", "training", "front"});
  for (const AblationGroup& group : a.groups) {
    table.row({group.name, fmt::format("{}", group.runs.size()), percent(group.accuracy),
               interval_text(group.interval),
               group.runs.size() > 1
                   ? fmt::format("{}–{}", percent(group.lowest), percent(group.highest))
                   : "–",
               bytes_text(group.adapter_bytes), fmt::format("{:.0f} s", group.train_seconds),
               group.on_front ? "yes" : ""});
  }
  return table.str();
}

std::string pairs_table(const Ablation& a) {
  HtmlTable table({"", "against", "points", "95 % interval", "p", "p (Holm)", "finding"}, 2);
  for (const AblationPair& pair : a.pairs) {
    table.row({a.groups[pair.second].name, a.groups[pair.first].name,
               fmt::format("{:+.1f}", 100 * pair.difference), interval_text(pair.interval),
               p_text(pair.p), p_text(pair.adjusted_p), finding_text(pair.finding())});
  }
  return table.str();
}

std::string runs_table(const Ablation& a) {
  HtmlTable table({"run", "accuracy", "right", "kept step", "tokens/s", "peak memory", "state"});
  for (const AblationRun& run : a.runs) {
    const bool done = run.state == RunState::kFinished;
    table.row({run.name, run.score ? percent(run.score->rate()) : "–",
               run.score ? fmt::format("{} of {}", run.score->correct, run.score->n) : "–",
               done ? fmt::format("{} of {}", run.best_step, run.steps) : "–",
               done ? fmt::format("{:.0f}", run.tokens_per_second) : "–",
               done ? fmt::format("{:.2f} GB", static_cast<double>(run.peak_rss_bytes) / 1e9) : "–",
               !run.failure.empty() ? "failed: " + run.failure
               : done               ? "finished"
                                    : "not finished"});
  }
  return table.str();
}

}  // namespace

std::string render_ablation_page(const Ablation& a) {
  std::string page = fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>Ablation: {0}</title>\n<style>{1}</style>\n</head>\n<body>\n"
      "<header><h1>Ablation: {0} on {2}</h1>\n<p class=\"soft\">{3} test questions, "
      "{4}</p></header>\n"
      "<main>\n<div class=\"card\"><p>{5}</p></div>\n",
      text(a.category), page_style(), text(a.backbone), a.questions, text(a.metric),
      text(a.sentence));
  if (!a.groups.empty()) {
    page += "<h2>Accuracy and size</h2>\n" + size_chart(a) + groups_table(a);
    page +=
        "<p class=\"soft\">Wilson’s interval over the questions of the mean over the seeds: more "
        "seeds "
        "do not make more questions.</p>\n";
  }
  if (!a.pairs.empty()) {
    page += "<h2>Are two of them different?</h2>\n" + pairs_table(a);
    page +=
        "<p class=\"soft\">Paired on the same questions. One seed each: McNemar’s exact test; "
        "several: the mean difference over its clustered standard error. p by Holm over all "
        "pairs; better or worse only where the bootstrap interval agrees.</p>\n";
  }
  page += "<h2>Learning curves</h2>\n" + curves_chart(a) + "<h2>Runs</h2>\n" + runs_table(a);
  return page + "</main>\n<footer>telora " TELORA_VERSION "</footer>\n</body>\n</html>\n";
}

}  // namespace telora
