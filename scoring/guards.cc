#include "scoring/guards.h"

#include <algorithm>
#include <map>

namespace telora {

namespace {

constexpr int64_t kFewestAnswers = 20;  // below, chance alone makes such histograms
constexpr double kConstantShare = 0.95;
constexpr double kMostVariation = 0.25;

}  // namespace

Collapse find_collapse(const std::vector<Prediction>& predictions) {
  std::map<std::string, int64_t> given, right;
  int64_t understood = 0;
  for (const Prediction& p : predictions) {
    ++right[p.gold];
    if (p.predicted.empty()) continue;
    ++given[p.predicted];
    ++understood;
  }
  if (understood == 0) return {};
  const auto share = [](int64_t count, int64_t all) {
    return static_cast<double>(count) / static_cast<double>(all);
  };
  Collapse collapse;
  for (const auto& [answer, count] : given) {
    // What is given more often than it is right; what is given less often sums up to the same.
    const double surplus =
        share(count, understood) - share(right[answer], static_cast<int64_t>(predictions.size()));
    collapse.variation += std::max(0.0, surplus);
    if (share(count, understood) <= collapse.share) continue;
    collapse.answer = answer;
    collapse.share = share(count, understood);
  }
  const bool open = std::ranges::any_of(predictions, [](const auto& p) { return p.options == 0; });
  collapse.raised =
      !open && understood >= kFewestAnswers &&
      (collapse.share >= kConstantShare || collapse.variation > kMostVariation + 1e-9);
  return collapse;
}

}  // namespace telora
