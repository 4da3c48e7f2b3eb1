#include "scoring/skill.h"

#include <limits>

namespace telora {

double skill(double accuracy, double a0) {
  if (a0 >= 1) return std::numeric_limits<double>::quiet_NaN();
  return (accuracy - a0) / (1 - a0);
}

}  // namespace telora
