#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <utility>

#include "core/error.h"
#include "scoring/answering.h"
#include "scoring/cost_text.h"
#include "scoring/guards.h"
#include "scoring/report.h"
#include "scoring/report_text.h"

namespace telora {

namespace {

constexpr size_t kColumns = 98;
constexpr size_t kSubjectWidth = 14;
constexpr size_t kScoreWidth = 20;
constexpr size_t kRuleWidth = 20;
constexpr size_t kBackboneWidth = 48;

std::string trimmed_line(std::string text) {
  text.erase(text.find_last_not_of(' ') + 1);
  return text + "\n";
}

std::string score_line(std::string_view subject, std::string_view score, std::string_view count,
                       std::string_view rate, std::string_view interval, std::string_view skill,
                       std::string_view unparsed) {
  return trimmed_line(fmt::format("  {:<{}}  {:<{}}{:>19}{:>10}{:>15}{:>8}{:>10}", subject,
                                  kSubjectWidth, score, kScoreWidth, count, rate, interval, skill,
                                  unparsed));
}

std::string test_line(std::string_view subject, std::string_view score, std::string_view against,
                      std::string_view change, std::string_view interval, std::string_view won_lost,
                      std::string_view p) {
  return trimmed_line(fmt::format("  {:<{}}  {:<{}}{:<{}}{:>6}{:>15}{:>13}{:>8}", subject,
                                  kSubjectWidth, score, kScoreWidth, against, kRuleWidth, change,
                                  interval, won_lost, p));
}

std::string rule() {
  std::string text = "  ";
  for (size_t i = 2; i < kColumns + 2; ++i) text += "─";
  return text + "\n";
}

std::string heading(const Report& r) {
  const std::string part = main_part(r);
  return fmt::format(
      "{} · {} · {} {} questions\nsplit {}, seed {}: {} training, {} validation, {} test\n\n",
      r.category,
      r.backbone.empty() ? "a backbone not named" : shortened(r.backbone, kBackboneWidth),
      grouped(part_rows(r, part)), part, r.split_method, r.split_seed, grouped(r.rows.training),
      grouped(r.rows.validation), grouped(r.rows.test));
}

std::string count_text(const Score& score) {
  return fmt::format("{} of {}", grouped(score.correct), grouped(score.n));
}

// Whether a variant has the very counts of the metric that it is a variant of.
bool repeats_its_main(const PartResult& part, const Score& score) {
  const std::optional<std::string> main = variant_of(score.name);
  const Metric* other = main ? find_metric(part, *main) : nullptr;
  return other != nullptr && other->score.correct == score.correct && other->score.n == score.n &&
         other->score.unparsed.value_or(0) == score.unparsed.value_or(0);
}

// Variants that do so for every subject, and need no lines of their own.
std::set<std::string> silent_variants(const Report& report, const std::string& part) {
  std::set<std::string> silent, speaking;
  for (const Subject& subject : report.subjects) {
    const PartResult* result = find_part(report, subject.name, part);
    if (result == nullptr) continue;
    for (const Metric& metric : result->metrics) {
      (repeats_its_main(*result, metric.score) ? silent : speaking).insert(metric.score.name);
    }
  }
  for (const std::string& name : speaking) silent.erase(name);
  return silent;
}

std::string subject_lines(const std::string& name, const PartResult& part,
                          const std::set<std::string>& silent) {
  std::string text;
  for (const Metric& metric : part.metrics) {
    const Score& score = metric.score;
    if (silent.contains(score.name)) continue;
    text += score_line(text.empty() ? shortened(name, kSubjectWidth) : "",
                       shortened(score.name, kScoreWidth - 1), count_text(score),
                       percent(score.rate()), interval_text(score.interval()),
                       metric.skill ? fmt::format("{:.3f}", *metric.skill) : "",
                       score.unparsed ? percent(score.unparsed_rate()) : "–");
  }
  return text;
}

// Ties make the count an expected value, which need not be whole.
std::string baseline_line(const Baseline& baseline, bool best) {
  constexpr size_t kWidth = kSubjectWidth + 2 + kScoreWidth;
  const int digits = baseline.expected == std::floor(baseline.expected) ? 0 : 1;
  const std::string count =
      fmt::format("{:.{}f} of {}", baseline.expected, digits, grouped(baseline.n));
  return fmt::format("  {:<{}}{:>19}{:>10}{}\n", shortened(baseline.name, kWidth), kWidth, count,
                     percent(baseline.rate()), best ? "   A₀, what costs nothing" : "");
}

std::string baseline_lines(const Report& report, const std::string& part) {
  const auto found = std::ranges::find(report.baselines, part, &PartBaselines::part);
  if (found == report.baselines.end() || found->baselines.empty()) return {};
  const Baseline* best = best_baseline(report, part);
  std::string text = rule();
  for (const Baseline& baseline : found->baselines) {
    text += baseline_line(baseline, &baseline == best);
  }
  return text;
}

std::string more_lines(const std::string& name, const PartResult& part) {
  std::string text;
  const auto add = [&](std::string_view what, const std::string& value) {
    const std::string line = fmt::format("{}, {}: {}", shortened(name, 30), what, value);
    text += wrapped(line, kColumns, "  ");
  };
  if (const auto& r = part.repeated) {
    add(fmt::format("pass@{}", r->k),
        fmt::format("{} (guessing {}), Δ {:+.3f}, consistency {:.3f}, flips {}",
                    percent(r->pass_direct), percent(r->chance_pass), r->gap, r->consistency,
                    percent(r->flip_rate)));
  }
  for (const RotationResult& r : part.rotations) {
    add("options rotated", fmt::format("{} {}, in every order right {} of {}, the same {}",
                                       r.metric, percent(r.rate()), grouped(r.right_in_all),
                                       grouped(r.n), grouped(r.same_in_all)));
  }
  for (const ClassResult& c : part.classes) {
    if (variant_of(c.metric)) continue;
    add("macro-F1", fmt::format("{} {:.3f}", c.metric, c.macro_f1()));
  }
  for (const AnswerHistogram& h : part.histograms) {
    if (!h.collapsed || variant_of(h.metric)) continue;
    add("COLLAPSED",
        fmt::format("{}, {} of answers are {}, distance to the right ones {:.2f}", h.metric,
                    percent(h.largest_share), printable(h.largest, 20), h.total_variation));
  }
  return text;
}

std::string more(const Report& report, const std::string& part) {
  std::string text;
  for (const Subject& subject : report.subjects) {
    const PartResult* result = find_part(report, subject.name, part);
    if (result != nullptr) text += more_lines(subject.name, *result);
  }
  return text.empty() ? text : "\n" + text;
}

std::string gap_lines(const Report& report) {
  std::string text;
  for (const Subject& subject : report.subjects) {
    for (const SeenGap& gap : subject.gaps) {
      if (variant_of(gap.metric)) continue;
      text += test_line(
          shortened(subject.name, kSubjectWidth), shortened(gap.metric, kScoreWidth - 1),
          fmt::format("{} → {}", percent(gap.seen.rate()), percent(gap.unseen.rate())),
          fmt::format("{:+.1f}", 100 * gap.difference()), interval_text(gap.interval()), "", "");
    }
  }
  if (text.empty()) return text;
  return "\n" + test_line("", "", "seen → unseen", "points", "95 % interval", "", "") + rule() +
         text;
}

std::string comparison_line(const Comparison& comparison) {
  const PairedCounts& c = comparison.counts;
  return test_line(
      shortened(comparison.second, kSubjectWidth), shortened(comparison.metric, kScoreWidth - 1),
      shortened(comparison.first, kRuleWidth - 1),
      fmt::format("{:+.1f}", 100 * comparison.difference()), interval_text(paired_interval(c)),
      fmt::format("{} : {}", c.only_second, c.only_first), p_text(comparison.adjusted_p));
}

std::string baseline_test_line(const BaselineTest& test) {
  return test_line(shortened(test.subject, kSubjectWidth), shortened(test.metric, kScoreWidth - 1),
                   "what costs nothing", fmt::format("{:+.1f}", 100 * test.difference()),
                   test.bootstrap ? interval_text(*test.bootstrap) : "", "–", p_text(test.p));
}

std::string tests(const Report& report, const std::string& part) {
  std::string text;
  for (const Comparison& comparison : report.comparisons) {
    if (comparison.part == part && !variant_of(comparison.metric)) {
      text += comparison_line(comparison);
    }
  }
  for (const BaselineTest& test : report.baseline_tests) {
    // The base's own skill is not in question once there are others.
    const bool wanted = report.subjects.size() == 1 || test.subject != kBaseName;
    if (test.part == part && wanted && !variant_of(test.metric)) text += baseline_test_line(test);
  }
  if (text.empty()) return {};
  return fmt::format("\n{}{}{}",
                     test_line("", "", "against", "points", "95 % interval", "won : lost", "p"),
                     rule(), text);
}

std::string cost_lines(const Report& report) {
  std::string text;
  for (const Subject& subject : report.subjects) {
    if (!subject.cost) continue;
    std::string line = fmt::format("{}, cost of one question: ", shortened(subject.name, 30));
    const char* between = "";
    for (const auto& [name, value] : cost_entries(report, subject)) {
      line += fmt::format("{}{} {}", std::exchange(between, "; "), name, value);
    }
    text += wrapped(line, kColumns, "  ");
  }
  return text.empty() ? text : "\n" + text;
}

std::string majority_note(const MajoritySettings& m) {
  return fmt::format(
      "maj@{0}: most frequent of {0} answers at temperature {1:.3g}, top-p {2:.3g}, seed {3}; of "
      "equals the first.",
      m.samples, m.sampling.temperature, m.sampling.top_p, m.seed);
}

// What a reader must know to trust a number: who read the answers, which tests were made.
std::string notes(const Report& report, const std::set<std::string>& silent) {
  std::string text;
  const auto note = [&](bool wanted, const std::string& sentence) {
    if (wanted) text += (text.empty() ? "\n" : "") + wrapped(sentence, kColumns, "  ");
  };
  note(!report.parser.empty(), fmt::format("Generated answers read by {}.", report.parser));
  note(!silent.empty(), fmt::format("With the same counts: {}.", fmt::join(silent, ", ")));
  note(report.majority.samples > 0, majority_note(report.majority));
  note(!report.baselines.empty(), "Skill: (accuracy − A₀) / (1 − A₀).");
  note(!report.comparisons.empty(),
       "Against a model: Newcombe's paired interval, exact McNemar test on the same questions, "
       "two-sided, p by Holm over the subjects.");
  note(!report.baseline_tests.empty(), "Against a rule: exact binomial test, two-sided.");
  return text;
}

std::string verdict_lines(const Report& report) {
  std::string text;
  for (const SubjectVerdict& verdict : report.verdicts) {
    if (report.verdicts.size() > 1 && !verdict.against_base) continue;
    text += "\n" + wrapped(verdict.text, kColumns, "");
    for (const std::string& warning : verdict.warnings) {
      text += wrapped(fmt::format("Beware: {}.", warning), kColumns, "");
    }
  }
  return text;
}

}  // namespace

std::string render_table(const Report& report) {
  const std::string part = main_part(report);
  const std::set<std::string> silent = silent_variants(report, part);
  std::string text = heading(report);
  text += score_line("", "", "correct", "accuracy", "95 % interval", "skill", "unparsed") + rule();
  for (const Subject& subject : report.subjects) {
    const PartResult* result = find_part(report, subject.name, part);
    if (result != nullptr) text += subject_lines(subject.name, *result, silent);
  }
  text += baseline_lines(report, part);
  return text + more(report, part) + gap_lines(report) + tests(report, part) + cost_lines(report) +
         notes(report, silent) + verdict_lines(report);
}

}  // namespace telora
