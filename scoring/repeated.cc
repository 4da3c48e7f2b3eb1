#include "scoring/repeated.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>

#include "core/error.h"
#include "scoring/majority.h"

namespace telora {

namespace {

using Samples = std::span<const Sample>;

Samples first_samples(const Prediction& prediction, int64_t k) {
  if (static_cast<int64_t>(prediction.samples.size()) < k) {
    fail(ErrorKind::kData, {.file = prediction.id, .field = "samples"},
         fmt::format("{} of them", prediction.samples.size()), fmt::format("at least {}", k),
         "draw more answers, or ask for a smaller k");
  }
  return Samples(prediction.samples).first(static_cast<size_t>(k));
}

void check_k(int64_t k) {
  if (k < 1)
    fail(ErrorKind::kUsage, {.file = {}, .field = "k"}, fmt::format("{}", k), "at least 1");
}

bool any_right(Samples samples) {
  return std::ranges::any_of(samples, [](const Sample& sample) { return sample.correct; });
}

struct Vote {
  bool correct = false;
  double share = 0;  // of the winner among all samples
};

Vote take_vote(Samples samples) {
  const std::optional<size_t> winner = majority_vote(samples);
  if (!winner) return {};
  const auto votes = std::ranges::count(samples, samples[*winner].predicted, &Sample::predicted);
  return {samples[*winner].correct,
          static_cast<double>(votes) / static_cast<double>(samples.size())};
}

bool all_equal(Samples samples) {
  return std::ranges::all_of(
      samples, [&](const Sample& sample) { return sample.predicted == samples[0].predicted; });
}

double mean(const std::vector<double>& values) {
  if (values.empty()) return 0;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// The mean over questions of what `value` makes of one.
template <typename Value>
double mean_of(const std::vector<Prediction>& predictions, Value value) {
  std::vector<double> values;
  for (const Prediction& prediction : predictions) {
    values.push_back(static_cast<double>(value(prediction)));
  }
  return mean(values);
}

}  // namespace

double pass_at_k(int64_t n, int64_t c, int64_t k) {
  if (n - c < k) return 1;
  double all_wrong = 1;
  for (int64_t i = n - c + 1; i <= n; ++i) {
    all_wrong *= 1 - static_cast<double>(k) / static_cast<double>(i);
  }
  return 1 - all_wrong;
}

double chance_pass_at_k(int64_t options, int64_t k) {
  if (options < 1) return 0;
  return 1 - std::pow(1 - 1 / static_cast<double>(options), static_cast<double>(k));
}

std::vector<double> pass_marks(const std::vector<Prediction>& predictions, int64_t k) {
  check_k(k);
  std::vector<double> marks;
  for (const Prediction& p : predictions) marks.push_back(any_right(first_samples(p, k)) ? 1 : 0);
  return marks;
}

std::vector<double> majority_marks(const std::vector<Prediction>& predictions, int64_t k) {
  check_k(k);
  std::vector<double> marks;
  for (const Prediction& p : predictions) {
    marks.push_back(take_vote(first_samples(p, k)).correct ? 1 : 0);
  }
  return marks;
}

RepeatedScores repeated_scores(const std::vector<Prediction>& predictions, int64_t k) {
  RepeatedScores scores{.k = k, .n = static_cast<int64_t>(predictions.size())};
  scores.pass_direct = mean(pass_marks(predictions, k));
  scores.majority = mean(majority_marks(predictions, k));
  scores.greedy = mean_of(predictions, [](const Prediction& p) { return p.correct ? 1 : 0; });
  scores.pass_unbiased = mean_of(predictions, [&](const Prediction& p) {
    const auto right = std::ranges::count(p.samples, true, &Sample::correct);
    return pass_at_k(static_cast<int64_t>(p.samples.size()), right, k);
  });
  const auto chance = [&](int64_t draws) {
    return mean_of(predictions,
                   [&](const Prediction& p) { return chance_pass_at_k(p.options, draws); });
  };
  scores.chance_pass = chance(k);
  scores.gap = scores.pass_direct - scores.greedy;
  scores.chance_gap = scores.chance_pass - chance(1);
  scores.consistency = mean_of(
      predictions, [&](const Prediction& p) { return take_vote(first_samples(p, k)).share; });
  scores.flip_rate = mean_of(
      predictions, [&](const Prediction& p) { return all_equal(first_samples(p, k)) ? 0 : 1; });
  scores.selection_efficiency = scores.pass_direct > 0 ? scores.majority / scores.pass_direct
                                                       : std::numeric_limits<double>::quiet_NaN();
  return scores;
}

}  // namespace telora
