#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/text.h"
#include "scoring/report.h"

namespace telora {

namespace {

constexpr size_t kSubjectWidth = 14;
constexpr size_t kScoreWidth = 20;
constexpr size_t kRuleWidth = 25;
constexpr size_t kBackboneWidth = 48;

// "2,233"; counts are never negative.
std::string grouped(int64_t value) {
  const std::string digits = std::to_string(value);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

// Cut from the left: the end of a path or a name tells more than its beginning.
std::string shortened(const std::string& name, size_t width) {
  const std::string text = printable(name, 4000);
  std::vector<size_t> starts;
  for (size_t pos = 0; pos < text.size(); next_code_point(text, pos)) starts.push_back(pos);
  if (starts.size() <= width) return text;
  return "…" + text.substr(starts[starts.size() - width + 1]);
}

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

std::string interval_text(const Interval& interval) {
  return fmt::format("[{:.1f}, {:.1f}]", 100 * interval.low, 100 * interval.high);
}

std::string p_text(double p) {
  if (p < 1e-99) return "< 1e-99";
  return p < 1e-3 ? fmt::format("{:.0e}", p) : fmt::format("{:.3f}", p);
}

std::string trimmed_line(std::string text) {
  text.erase(text.find_last_not_of(' ') + 1);
  return text + "\n";
}

std::string score_line(std::string_view subject, std::string_view score, std::string_view count,
                       std::string_view rate, std::string_view interval,
                       std::string_view unparsed) {
  return trimmed_line(fmt::format("  {:<{}}  {:<{}}{:>20}{:>11}{:>16}{:>10}", subject,
                                  kSubjectWidth, score, kScoreWidth, count, rate, interval,
                                  unparsed));
}

std::string test_line(std::string_view subject, std::string_view score, std::string_view against,
                      std::string_view change, std::string_view won_lost, std::string_view p) {
  return trimmed_line(fmt::format("  {:<{}}  {:<{}}{:<{}}{:>7}{:>17}{:>8}", subject, kSubjectWidth,
                                  score, kScoreWidth, against, kRuleWidth, change, won_lost, p));
}

std::string rule() {
  std::string text = "  ";
  for (int i = 0; i < 93; ++i) text += "─";
  return text + "\n";
}

int64_t scored_rows(const Report& report) {
  if (report.part == "train") return report.rows.training;
  return report.part == "validation" ? report.rows.validation : report.rows.test;
}

std::string heading(const Report& r) {
  return fmt::format(
      "{} · {} · {} {} questions\nsplit {}, seed {}: {} training, {} validation, {} test\n\n",
      r.category, shortened(r.backbone, kBackboneWidth), grouped(scored_rows(r)), r.part,
      r.split_method, r.split_seed, grouped(r.rows.training), grouped(r.rows.validation),
      grouped(r.rows.test));
}

std::string unparsed_text(const Score& score) {
  if (!score.unparsed || score.n == 0) return "–";
  return percent(static_cast<double>(*score.unparsed) / static_cast<double>(score.n));
}

std::string subject_lines(const Subject& subject) {
  std::string text;
  for (const Score& score : subject.scores) {
    text +=
        score_line(text.empty() ? shortened(subject.name, kSubjectWidth) : "",
                   shortened(score.name, kScoreWidth),
                   fmt::format("{} of {}", grouped(score.correct), grouped(score.n)),
                   percent(score.rate()), interval_text(score.interval()), unparsed_text(score));
  }
  return text;
}

// Ties make the count an expected value, which need not be whole.
std::string baseline_line(const Baseline& baseline) {
  constexpr size_t kWidth = kSubjectWidth + 2 + kScoreWidth;
  const int digits = baseline.expected == std::floor(baseline.expected) ? 0 : 1;
  const std::string count =
      fmt::format("{:.{}f} of {}", baseline.expected, digits, grouped(baseline.n));
  return fmt::format("  {:<{}}{:>20}{:>11}\n", shortened(baseline.name, kWidth), kWidth, count,
                     percent(baseline.rate()));
}

std::string comparison_line(const Comparison& comparison) {
  const PairedCounts& c = comparison.counts;
  const double change =
      c.n == 0 ? 0
               : 100 * static_cast<double>(c.only_second - c.only_first) / static_cast<double>(c.n);
  return test_line(shortened(comparison.second, kSubjectWidth),
                   shortened(comparison.metric, kScoreWidth),
                   shortened(comparison.first, kRuleWidth - 1), fmt::format("{:+.1f}", change),
                   fmt::format("{} : {}", grouped(c.only_second), grouped(c.only_first)),
                   p_text(mcnemar(c).exact));
}

// One subject's scores against the best rule that needs no model.
std::string rule_lines(const Subject& subject, const Baseline& best) {
  std::string text;
  for (const Score& score : subject.scores) {
    text += test_line(shortened(subject.name, kSubjectWidth), shortened(score.name, kScoreWidth),
                      shortened(best.name, kRuleWidth - 1),
                      fmt::format("{:+.1f}", 100 * (score.rate() - best.rate())), "–",
                      p_text(binomial_at_least(score.correct, score.n, best.rate())));
  }
  return text;
}

std::string majority_note(const MajoritySettings& m) {
  return fmt::format(
      "maj@{0}: most frequent of {0} answers at temperature {1:.3g}, top-p {2:.3g}, seed {3}; of "
      "equals the first.",
      m.samples, m.sampling.temperature, m.sampling.top_p, m.seed);
}

// What a reader must know to trust a number: who read the answers, which tests were made.
std::string notes(const Report& report) {
  std::string text;
  const auto note = [&](bool wanted, std::string_view sentence) {
    if (wanted) text += fmt::format("{}  {}\n", text.empty() ? "\n" : "", sentence);
  };
  note(!report.parser.empty(), fmt::format("Generated answers read by {}.", report.parser));
  note(report.majority.samples > 0, majority_note(report.majority));
  note(!report.comparisons.empty(),
       "p against a model: exact McNemar test on the same questions, two-sided.");
  note(!report.baselines.empty(), "p against a rule: exact binomial test, one-sided.");
  return text;
}

std::string tests(const Report& report) {
  std::string text;
  for (const Comparison& comparison : report.comparisons) text += comparison_line(comparison);
  const auto best = std::ranges::max_element(report.baselines, {}, &Baseline::rate);
  if (best != report.baselines.end()) {
    // The first subject is the base, whose own skill is not in question once there are others.
    const size_t first = report.subjects.size() > 1 ? 1 : 0;
    for (size_t i = first; i < report.subjects.size(); ++i) {
      text += rule_lines(report.subjects[i], *best);
    }
  }
  if (text.empty()) return {};
  return fmt::format("\n{}{}{}", test_line("", "", "against", "points", "won : lost", "p"), rule(),
                     text);
}

}  // namespace

std::string render_table(const Report& report) {
  std::string text = heading(report);
  text += score_line("", "", "correct", "accuracy", "95 % interval", "unparsed") + rule();
  for (const Subject& subject : report.subjects) text += subject_lines(subject);
  if (!report.baselines.empty()) text += rule();
  for (const Baseline& baseline : report.baselines) text += baseline_line(baseline);
  return text + tests(report) + notes(report);
}

}  // namespace telora
