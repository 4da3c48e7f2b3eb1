#include "scoring/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace telora {

namespace {

double log_choose(int64_t n, int64_t k) {
  const auto gamma = [](int64_t value) { return std::lgamma(static_cast<double>(value) + 1); };
  return gamma(n) - gamma(k) - gamma(n - k);
}

// Sum of point masses over first..last, the smallest terms first.
double binomial_sum(int64_t first, int64_t last, int64_t n, double p) {
  double sum = 0;
  const auto mode = static_cast<int64_t>(std::floor(static_cast<double>(n + 1) * p));
  const int64_t split = std::clamp(mode, first - 1, last);
  for (int64_t k = first; k <= split; ++k) sum += binomial_point(k, n, p);
  double upper = 0;
  for (int64_t k = last; k > split; --k) upper += binomial_point(k, n, p);
  return std::min(1.0, sum + upper);
}

// The correlation of two right-or-wrong marks as method 10 wants it; 0 where one never varies.
double shrunk_correlation(const PairedCounts& c) {
  const int64_t neither = c.n - c.both - c.only_first - c.only_second;
  const auto product = [](int64_t a, int64_t b) {
    return static_cast<double>(a) * static_cast<double>(b);
  };
  const double margins = product(c.both + c.only_first, c.only_second + neither) *
                         product(c.both + c.only_second, c.only_first + neither);
  if (margins <= 0) return 0;
  double excess = product(c.both, neither) - product(c.only_first, c.only_second);
  if (excess > 0) excess = std::max(0.0, excess - static_cast<double>(c.n) / 2);
  return excess / std::sqrt(margins);
}

// Length of the third side of a triangle, from two sides and the cosine between them.
double third_side(double a, double b, double cosine) {
  return std::sqrt(std::max(0.0, a * a + b * b - 2 * cosine * a * b));
}

}  // namespace

Interval wilson(int64_t correct, int64_t n, double z) {
  if (n <= 0) return {0, 1};
  const auto count = static_cast<double>(n);
  const double p = static_cast<double>(correct) / count;
  const double scale = 1 + z * z / count;
  const double centre = (p + z * z / (2 * count)) / scale;
  const double half = z * std::sqrt(p * (1 - p) / count + z * z / (4 * count * count)) / scale;
  return {correct == 0 ? 0.0 : std::max(0.0, centre - half),
          correct == n ? 1.0 : std::min(1.0, centre + half)};
}

Interval newcombe(int64_t correct1, int64_t n1, int64_t correct2, int64_t n2, double z) {
  if (n1 <= 0 || n2 <= 0) return {-1, 1};
  const Interval first = wilson(correct1, n1, z);
  const Interval second = wilson(correct2, n2, z);
  const double p1 = static_cast<double>(correct1) / static_cast<double>(n1);
  const double p2 = static_cast<double>(correct2) / static_cast<double>(n2);
  return {p1 - p2 - std::hypot(p1 - first.low, second.high - p2),
          p1 - p2 + std::hypot(first.high - p1, p2 - second.low)};
}

double standard_error(int64_t correct, int64_t n) {
  if (n < 2) return std::numeric_limits<double>::quiet_NaN();
  const double p = static_cast<double>(correct) / static_cast<double>(n);
  return std::sqrt(p * (1 - p) / static_cast<double>(n - 1));
}

double binomial_point(int64_t k, int64_t n, double p) {
  if (k < 0 || k > n) return 0;
  if (p <= 0) return k == 0 ? 1 : 0;
  if (p >= 1) return k == n ? 1 : 0;
  return std::exp(log_choose(n, k) + static_cast<double>(k) * std::log(p) +
                  static_cast<double>(n - k) * std::log1p(-p));
}

double binomial_at_least(int64_t k, int64_t n, double p) {
  return k <= 0 ? 1.0 : binomial_sum(k, n, n, p);
}

double binomial_at_most(int64_t k, int64_t n, double p) {
  return k >= n ? 1.0 : binomial_sum(0, k, n, p);
}

double binomial_two_sided(int64_t k, int64_t n, double p) {
  const double limit = binomial_point(k, n, p) * (1 + 1e-7);
  double sum = 0;
  for (int64_t i = 0; i <= n; ++i) {
    const double mass = binomial_point(i, n, p);
    if (mass <= limit) sum += mass;
  }
  return std::min(1.0, sum);
}

McNemar mcnemar(const PairedCounts& counts) {
  const int64_t discordant = counts.only_first + counts.only_second;
  if (discordant == 0) return {};
  const int64_t least = std::min(counts.only_first, counts.only_second);
  const double doubled = 2 * binomial_at_most(least, discordant, 0.5);
  return {std::min(1.0, doubled), std::min(1.0, doubled - binomial_point(least, discordant, 0.5))};
}

Interval paired_interval(const PairedCounts& counts, double z) {
  if (counts.n <= 0) return {-1, 1};
  const int64_t right1 = counts.both + counts.only_first;
  const int64_t right2 = counts.both + counts.only_second;
  const Interval first = wilson(right1, counts.n, z);
  const Interval second = wilson(right2, counts.n, z);
  const double p1 = static_cast<double>(right1) / static_cast<double>(counts.n);
  const double p2 = static_cast<double>(right2) / static_cast<double>(counts.n);
  const double correlation = shrunk_correlation(counts);
  return {p2 - p1 - third_side(p2 - second.low, first.high - p1, correlation),
          p2 - p1 + third_side(second.high - p2, p1 - first.low, correlation)};
}

int64_t items_to_tell(const PairedCounts& counts, double alpha, double power) {
  if (counts.n <= 0 || counts.only_first == counts.only_second) return 0;
  const auto n = static_cast<double>(counts.n);
  const double apart = static_cast<double>(counts.only_first + counts.only_second) / n;
  const double effect = static_cast<double>(counts.only_second - counts.only_first) / n;
  const double reach = normal_quantile(1 - alpha / 2) * std::sqrt(apart) +
                       normal_quantile(power) * std::sqrt(apart - effect * effect);
  return static_cast<int64_t>(std::ceil(reach * reach / (effect * effect)));
}

std::vector<double> holm(std::span<const double> p) {
  std::vector<size_t> order(p.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, {}, [&](size_t i) { return p[i]; });
  std::vector<double> adjusted(p.size());
  double largest = 0;
  for (size_t rank = 0; rank < order.size(); ++rank) {
    const double scaled = static_cast<double>(p.size() - rank) * p[order[rank]];
    largest = std::max(largest, std::min(1.0, scaled));
    adjusted[order[rank]] = largest;
  }
  return adjusted;
}

double normal_quantile(double p) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (p <= 0 || p >= 1) return p <= 0 ? -kInfinity : kInfinity;
  if (p == 0.5) return 0;
  if (p > 0.5) return -normal_quantile(1 - p);
  // Bisection down to neighbouring numbers: slow, but there is no tail where it is wrong.
  double low = -39;
  double high = 0;
  for (double middle = low / 2; middle > low && middle < high; middle = (low + high) / 2) {
    (std::erfc(-middle / std::sqrt(2.0)) / 2 < p ? low : high) = middle;
  }
  return high;
}

}  // namespace telora
