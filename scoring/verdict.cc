#include "scoring/verdict.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"

namespace telora {

namespace {

constexpr double kManyUnparsed = 0.05;
constexpr double kMostlyOne = 0.9;  // above, one answer is what there is to say

template <typename T>
const T* find_test(const std::vector<T>& tests, const std::string T::*name,
                   const SubjectVerdict& verdict) {
  const auto found = std::ranges::find_if(tests, [&](const T& test) {
    return test.*name == verdict.subject && test.part == verdict.part &&
           test.metric == verdict.metric;
  });
  return found == tests.end() ? nullptr : &*found;
}

std::string relation(Finding finding) {
  if (finding == Finding::kUndecided) return "not distinguishable from";
  return finding_text(finding) + " than";
}

std::string p_words(double p) {
  if (p < 1e-300) return "p < 1e-300";
  return p < 1e-4 ? fmt::format("p = {:.0e}", p) : fmt::format("p = {:.2g}", p);
}

std::string base_words(const Comparison& comparison) {
  const Interval interval = paired_interval(comparison.counts);
  std::string words =
      fmt::format("{} the {} ({:+.1f} points [{:+.1f}, {:+.1f}], {}",
                  relation(comparison.finding()), comparison.first, 100 * comparison.difference(),
                  100 * interval.low, 100 * interval.high, p_words(comparison.adjusted_p));
  const int64_t needed = items_to_tell(comparison.counts);
  if (comparison.finding() == Finding::kUndecided && needed > comparison.counts.n) {
    words += fmt::format("; about {} questions would tell", needed);
  }
  return words + ")";
}

std::string free_words(const BaselineTest& test) {
  return fmt::format("{} what costs nothing ({}, {:.1f} %, {})", relation(test.finding()),
                     test.baseline, 100 * test.rate, p_words(test.p));
}

const AnswerHistogram* collapsed_histogram(const PartResult& part, const std::string& metric) {
  const auto found = std::ranges::find(part.histograms, metric, &AnswerHistogram::metric);
  return found == part.histograms.end() || !found->collapsed ? nullptr : &*found;
}

std::string collapse_words(const AnswerHistogram& histogram) {
  if (histogram.largest_share > kMostlyOne) {
    return fmt::format("{:.0f} % of its answers are {}", 100 * histogram.largest_share,
                       printable(histogram.largest, 40));
  }
  return fmt::format("its answers are distributed unlike the right ones (distance {:.2f})",
                     histogram.total_variation);
}

std::vector<std::string> warnings_of(const SubjectVerdict& verdict, const PartResult& part) {
  std::vector<std::string> all;
  const AnswerHistogram* collapsed = collapsed_histogram(part, verdict.metric);
  if (collapsed != nullptr) all.push_back(collapse_words(*collapsed));
  const double unparsed = find_metric(part, verdict.metric)->score.unparsed_rate();
  if (unparsed > kManyUnparsed) {
    all.push_back(fmt::format("{:.1f} % of its answers were not understood", 100 * unparsed));
  }
  if (verdict.part == "train") all.emplace_back("these rows were trained on");
  return all;
}

std::string sentence(const SubjectVerdict& verdict, const PartResult& part, const Comparison* base,
                     const BaselineTest* free) {
  const Score& score = find_metric(part, verdict.metric)->score;
  std::string text =
      fmt::format("{} gets {:.1f} % of {} {} questions right by {}", printable(verdict.subject, 80),
                  100 * score.rate(), score.n, verdict.part, verdict.metric);
  if (base != nullptr) text += ", " + base_words(*base);
  if (free != nullptr) text += (base != nullptr ? ", and " : ", ") + free_words(*free);
  if (!verdict.against_base) return text;
  return (verdict.improvement ? "An improvement: " : "Not shown to be an improvement: ") + text;
}

SubjectVerdict judge_subject(const Report& report, const Subject& subject, const PartResult& part) {
  SubjectVerdict verdict{subject.name, part.part, part.metrics.front().score.name};
  const Comparison* base = find_test(report.comparisons, &Comparison::second, verdict);
  const BaselineTest* free = find_test(report.baseline_tests, &BaselineTest::subject, verdict);
  if (base != nullptr) verdict.against_base = base->finding();
  if (free != nullptr) verdict.against_free = free->finding();
  verdict.improvement = verdict.against_base == Finding::kBetter &&
                        verdict.against_free.value_or(Finding::kBetter) == Finding::kBetter &&
                        collapsed_histogram(part, verdict.metric) == nullptr;
  verdict.text = sentence(verdict, part, base, free) + ".";
  verdict.warnings = warnings_of(verdict, part);
  return verdict;
}

}  // namespace

std::vector<SubjectVerdict> verdicts_of(const Report& report) {
  std::vector<SubjectVerdict> verdicts;
  const std::string part = main_part(report);
  for (const Subject& subject : report.subjects) {
    const PartResult* result = find_part(report, subject.name, part);
    if (result == nullptr || result->metrics.empty()) continue;
    verdicts.push_back(judge_subject(report, subject, *result));
  }
  return verdicts;
}

}  // namespace telora
