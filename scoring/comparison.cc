#include "scoring/comparison.h"

#include <set>

#include "core/error.h"
#include "scoring/pairing.h"
#include "scoring/resampling.h"

namespace telora {

namespace {

int side(const Interval& interval) {
  if (interval.low > 0) return 1;
  return interval.high < 0 ? -1 : 0;
}

Finding judge_difference(double p, double difference, const Interval* interval) {
  if (p >= kSignificance || difference == 0) return Finding::kUndecided;
  const int sign = difference > 0 ? 1 : -1;
  if (interval != nullptr && side(*interval) != sign) return Finding::kUndecided;
  return sign > 0 ? Finding::kBetter : Finding::kWorse;
}

}  // namespace

std::string finding_text(Finding finding) {
  if (finding == Finding::kBetter) return "better";
  return finding == Finding::kWorse ? "worse" : "not distinguishable";
}

double Comparison::difference() const {
  if (counts.n == 0) return 0;
  return static_cast<double>(counts.only_second - counts.only_first) /
         static_cast<double>(counts.n);
}

Finding Comparison::finding() const {
  if (groups < 2) return Finding::kUndecided;  // resampling one group says nothing
  return judge_difference(adjusted_p, difference(), &bootstrap);
}

Comparison compare(const std::string& first_name, const AnswerSet& first,
                   const std::string& second_name, const AnswerSet& second) {
  if (first.metric != second.metric) {
    fail(ErrorKind::kData, {.file = second_name, .field = "answers"}, second.metric,
         first.metric + " as in " + first_name, "compare answers that were made in one way");
  }
  const PairedMarks marks = pair_predictions({first_name, first.rows}, {second_name, second.rows});
  Comparison comparison{first.metric, first.rows.empty() ? "" : first.rows.front().split,
                        first_name, second_name, marks.counts};
  comparison.adjusted_p = mcnemar(marks.counts).exact;
  if (marks.counts.n > 0) {
    comparison.bootstrap = paired_bootstrap(marks.differences, marks.groups, {});
  }
  comparison.groups = std::ssize(std::set(marks.groups.begin(), marks.groups.end()));
  return comparison;
}

void adjust_together(const std::vector<Comparison*>& comparisons) {
  std::vector<double> p;
  for (const Comparison* comparison : comparisons) p.push_back(mcnemar(comparison->counts).exact);
  const std::vector<double> adjusted = holm(p);
  for (size_t i = 0; i < comparisons.size(); ++i) comparisons[i]->adjusted_p = adjusted[i];
}

double BaselineTest::difference() const {
  return n == 0 ? 0 : static_cast<double>(correct) / static_cast<double>(n) - rate;
}

Finding BaselineTest::finding() const {
  return judge_difference(p, difference(), bootstrap ? &*bootstrap : nullptr);
}

}  // namespace telora
