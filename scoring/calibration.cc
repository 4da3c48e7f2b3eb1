#include "scoring/calibration.h"

#include <algorithm>
#include <cmath>

#include "scoring/statistics.h"

namespace telora {

std::optional<double> confidence_of(std::span<const double> option_logprobs) {
  if (option_logprobs.empty()) return std::nullopt;
  const double most = std::ranges::max(option_logprobs);
  if (!std::isfinite(most)) return std::nullopt;
  double sum = 0;
  for (const double value : option_logprobs) sum += std::exp(value - most);
  return 1 / sum;
}

std::vector<ReliabilityBin> reliability(std::span<const ConfidentAnswer> answers, int bins) {
  std::vector<ReliabilityBin> all;
  for (int i = 0; i < bins; ++i) all.push_back({i / double(bins), (i + 1) / double(bins)});
  // Sums of equal numbers in another order may differ in the last bit.
  std::vector<ConfidentAnswer> sorted(answers.begin(), answers.end());
  std::ranges::sort(sorted, {}, &ConfidentAnswer::confidence);
  for (const ConfidentAnswer& answer : sorted) {
    const int index = std::clamp(static_cast<int>(answer.confidence * bins), 0, bins - 1);
    ReliabilityBin& bin = all[static_cast<size_t>(index)];
    ++bin.n;
    bin.correct += answer.correct;
    bin.confidence += answer.confidence;
  }
  for (ReliabilityBin& bin : all) {
    if (bin.n > 0) bin.confidence /= static_cast<double>(bin.n);
  }
  return all;
}

double calibration_error(std::span<const ReliabilityBin> bins) {
  double error = 0;
  int64_t n = 0;
  for (const ReliabilityBin& bin : bins) {
    n += bin.n;
    error +=
        std::abs(static_cast<double>(bin.correct) - bin.confidence * static_cast<double>(bin.n));
  }
  return n == 0 ? 0 : error / static_cast<double>(n);
}

std::vector<Coverage> risk_coverage(std::span<const ConfidentAnswer> answers) {
  std::vector<ConfidentAnswer> sorted(answers.begin(), answers.end());
  std::ranges::sort(sorted, std::greater{}, &ConfidentAnswer::confidence);
  std::vector<Coverage> curve;
  int64_t answered = 0, wrong = 0;
  for (const ConfidentAnswer& answer : sorted) {
    ++answered;
    wrong += !answer.correct;
    const bool same = !curve.empty() && curve.back().threshold == answer.confidence;
    if (!same) curve.push_back({answer.confidence});
    curve.back().answered = answered;
    curve.back().wrong = wrong;
  }
  return curve;
}

std::vector<Coverage> thinned(const std::vector<Coverage>& curve, size_t points) {
  if (curve.size() <= points || points < 2) return curve;
  const auto total = static_cast<double>(curve.back().answered);
  std::vector<Coverage> kept;
  for (size_t i = 0; i < points; ++i) {
    const double wanted = total * static_cast<double>(i + 1) / static_cast<double>(points);
    const auto next = std::ranges::find_if(curve, [&](const Coverage& point) {
      return static_cast<double>(point.answered) >= wanted;
    });
    if (kept.empty() || kept.back().answered != next->answered) kept.push_back(*next);
  }
  return kept;
}

double area_under_risk(const std::vector<Coverage>& curve) {
  // Within a tie the risk is taken as constant: no order of equal confidences is better.
  double area = 0;
  int64_t before = 0;
  for (const Coverage& point : curve) {
    area += point.risk() * static_cast<double>(point.answered - before);
    before = point.answered;
  }
  return before == 0 ? 0 : area / static_cast<double>(before);
}

std::optional<Coverage> meet_risk(const std::vector<Coverage>& curve, double target) {
  std::optional<Coverage> best;
  for (const Coverage& point : curve) {
    if (wilson(point.wrong, point.answered).high <= target) best = point;
  }
  return best;
}

Coverage apply_threshold(std::span<const ConfidentAnswer> answers, double threshold) {
  Coverage point{threshold};
  for (const ConfidentAnswer& answer : answers) {
    if (answer.confidence < threshold) continue;
    ++point.answered;
    point.wrong += !answer.correct;
  }
  return point;
}

}  // namespace telora
