#include "scoring/lbfgs.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <utility>

namespace telora {

namespace {

using Vector = std::vector<double>;

// Four sums side by side: one alone would wait for each addition.
double dot(const Vector& a, const Vector& b) {
  double sums[4] = {0, 0, 0, 0};
  size_t i = 0;
  for (; i + 4 <= a.size(); i += 4) {
    for (size_t k = 0; k < 4; ++k) sums[k] += a[i + k] * b[i + k];
  }
  for (; i < a.size(); ++i) sums[0] += a[i] * b[i];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

void add_scaled(Vector& sum, double scale, const Vector& other) {
  for (size_t i = 0; i < sum.size(); ++i) sum[i] += scale * other[i];
}

struct Pair {
  Vector step, change;  // of x and of the gradient
  double product = 0;   // of the two
};

// The two loops that multiply the gradient by the inverse curvature.
Vector direction(const Vector& gradient, const std::deque<Pair>& pairs) {
  Vector d = gradient;
  std::vector<double> weights(pairs.size());
  for (size_t i = pairs.size(); i-- > 0;) {
    weights[i] = dot(pairs[i].step, d) / pairs[i].product;
    add_scaled(d, -weights[i], pairs[i].change);
  }
  if (!pairs.empty()) {
    const double scale = pairs.back().product / dot(pairs.back().change, pairs.back().change);
    for (double& value : d) value *= scale;
  }
  for (size_t i = 0; i < pairs.size(); ++i) {
    add_scaled(d, weights[i] - dot(pairs[i].change, d) / pairs[i].product, pairs[i].step);
  }
  for (double& value : d) value = -value;
  return d;
}

struct Point {
  Vector x, gradient;
  double value = 0;
};

Point evaluate(const Objective& objective, Vector x) {
  Point point{std::move(x), {}, 0};
  point.gradient.resize(point.x.size());
  point.value = objective(point.x, point.gradient);
  return point;
}

// Halves the step until the value falls enough (Armijo). Returns `from` itself if none does: then
// rounding is all that is left.
Point walk(const Objective& objective, const Point& from, const Vector& d, double step) {
  constexpr double kEnough = 1e-4;
  constexpr int kHalvings = 30;
  const double slope = dot(from.gradient, d);
  for (int i = 0; slope < 0 && i < kHalvings; ++i, step /= 2) {
    Vector x = from.x;
    add_scaled(x, step, d);
    Point next = evaluate(objective, std::move(x));
    if (next.value <= from.value + kEnough * step * slope) return next;
  }
  return from;
}

// Keeps the pair of a step if the curvature along it is positive.
void remember(std::deque<Pair>& pairs, const Point& from, const Point& to, size_t memory) {
  Pair pair{to.x, to.gradient, 0};
  add_scaled(pair.step, -1, from.x);
  add_scaled(pair.change, -1, from.gradient);
  pair.product = dot(pair.step, pair.change);
  if (pair.product <= 1e-12 * dot(pair.change, pair.change)) return;
  pairs.push_back(std::move(pair));
  if (pairs.size() > memory) pairs.pop_front();
}

}  // namespace

std::vector<double> minimise(const Objective& objective, std::vector<double> x,
                             const MinimiseOptions& options) {
  Point at = evaluate(objective, std::move(x));
  const double first = std::sqrt(dot(at.gradient, at.gradient));
  std::deque<Pair> pairs;
  for (int64_t i = 0; i < options.iterations; ++i) {
    const double norm = std::sqrt(dot(at.gradient, at.gradient));
    if (norm <= options.gradient * first) break;
    const double step = pairs.empty() ? std::min(1.0, 1 / norm) : 1;
    Point next = walk(objective, at, direction(at.gradient, pairs), step);
    if (next.value >= at.value) break;
    remember(pairs, at, next, options.memory);
    at = std::move(next);
  }
  return std::move(at.x);
}

}  // namespace telora
