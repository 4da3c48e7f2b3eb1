#include "scoring/skill.h"

#include <limits>

namespace telora {

double skill(double accuracy, double a0) {
  if (a0 >= 1) return std::numeric_limits<double>::quiet_NaN();
  return (accuracy - a0) / (1 - a0);
}

double effective_sample_size(std::span<const int64_t> group_sizes) {
  double rows = 0;
  double squares = 0;
  for (const int64_t size : group_sizes) {
    rows += static_cast<double>(size);
    squares += static_cast<double>(size) * static_cast<double>(size);
  }
  return squares > 0 ? rows * rows / squares : 0;
}

}  // namespace telora
