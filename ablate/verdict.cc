#include "ablate/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "scoring/report_text.h"

namespace telora {

namespace {

constexpr double kZPower = 0.8416212335729143;  // normal quantile of 0.8

// Of the questions that two groups answer differently, the share; median over the pairs.
double median_disagreement(const Ablation& ablation) {
  std::vector<double> shares;
  for (const AblationPair& pair : ablation.pairs) {
    const std::vector<Prediction>& a = ablation.runs[ablation.groups[pair.first].runs.front()].rows;
    const std::vector<Prediction>& b =
        ablation.runs[ablation.groups[pair.second].runs.front()].rows;
    double differ = 0;
    for (size_t i = 0; i < a.size(); ++i) differ += a[i].correct != b[i].correct;
    shares.push_back(differ / static_cast<double>(std::max<size_t>(1, a.size())));
  }
  if (shares.empty()) return 0;
  const auto middle = shares.begin() + std::ssize(shares) / 2;
  std::ranges::nth_element(shares, middle);
  return *middle;
}

std::string points(double share) { return fmt::format("{:.1f}", 100 * share); }

bool same_as_best(const Ablation& ablation, size_t group) {
  return group == *ablation.best ||
         pair_of(ablation, *ablation.best, group).finding() == Finding::kUndecided;
}

size_t smallest_like_best(const Ablation& ablation) {
  size_t smallest = *ablation.best;
  for (size_t i = 0; i < ablation.groups.size(); ++i) {
    const bool smaller = ablation.groups[i].adapter_bytes < ablation.groups[smallest].adapter_bytes;
    if (smaller && same_as_best(ablation, i)) smallest = i;
  }
  return smallest;
}

std::string choice_text(const Ablation& ablation) {
  const AblationGroup& best = ablation.groups[*ablation.best];
  const AblationGroup& smallest = ablation.groups[*ablation.smallest];
  if (ablation.groups.size() == 1) return fmt::format("Only {} was scored", best.name);
  if (ablation.best == ablation.smallest) {
    return fmt::format("Ship {}: it is the best, and no smaller one is as good", best.name);
  }
  const AblationPair& pair = pair_of(ablation, *ablation.best, *ablation.smallest);
  const double sign = pair.first == *ablation.best ? 1 : -1;
  return fmt::format(
      "Ship {}: it is the smallest that is not distinguishable from the best ({}; {:+.1f} points "
      "[{:.1f}, {:.1f}], p = {:.2g})",
      smallest.name, best.name, 100 * sign * pair.difference,
      100 * (sign > 0 ? pair.interval.low : -pair.interval.high),
      100 * (sign > 0 ? pair.interval.high : -pair.interval.low), pair.adjusted_p);
}

std::string limits_text(const Ablation& ablation) {
  size_t seeds = SIZE_MAX;
  for (const AblationGroup& group : ablation.groups) seeds = std::min(seeds, group.runs.size());
  std::string text;
  if (ablation.groups.size() > 1 && ablation.detectable > 0) {
    text += fmt::format(" The {} questions cannot tell differences below about {} points",
                        ablation.questions, points(ablation.detectable));
    text += seeds == 1 ? ", and one seed does not say how much another would change." : ".";
  }
  return text;
}

std::string free_text(const Ablation& ablation) {
  if (!ablation.free_rate) return "";
  const double free = *ablation.free_rate;
  const double low = ablation.groups[*ablation.best].interval.low;
  if (low > free) return "";
  return fmt::format(" None is shown to beat what costs nothing ({}, {} %).", ablation.free_name,
                     points(free));
}

std::string failures_text(const Ablation& ablation) {
  const auto missing = std::ranges::count_if(
      ablation.runs, [](const AblationRun& run) { return run.state != RunState::kFinished; });
  if (missing == 0) return "";
  return fmt::format(" {} of {} runs are missing.", missing, ablation.runs.size());
}

}  // namespace

void add_verdict(Ablation& ablation) {
  if (ablation.groups.empty()) {
    ablation.sentence = "No run has been scored.";
    return;
  }
  const auto best = std::ranges::max_element(ablation.groups, {}, &AblationGroup::accuracy);
  ablation.best = static_cast<size_t>(best - ablation.groups.begin());
  ablation.smallest = smallest_like_best(ablation);
  const double n = std::max<double>(1, static_cast<double>(ablation.questions));
  ablation.detectable = (kZ95 + kZPower) * std::sqrt(median_disagreement(ablation) / n);
  ablation.sentence = choice_text(ablation) + "." + limits_text(ablation) + free_text(ablation) +
                      failures_text(ablation);
}

}  // namespace telora
