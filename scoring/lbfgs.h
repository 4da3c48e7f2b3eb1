#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace telora {

struct MinimiseOptions {
  int64_t iterations = 200;  // at most
  double gradient = 1e-4;    // done when the gradient's norm is below this share of the first one
  size_t memory = 6;         // pairs of steps that stand for the curvature
};

// Value at `x`; fills `gradient`, which has the length of `x`.
using Objective = std::function<double(std::span<const double> x, std::span<double> gradient)>;

// Minimises a smooth convex function from `x` on by L-BFGS (Liu and Nocedal, Mathematical
// Programming 1989) with backtracking. Sequential: the same bits on every machine that rounds
// alike.
std::vector<double> minimise(const Objective& objective, std::vector<double> x,
                             const MinimiseOptions& options = {});

}  // namespace telora
