#include "scoring/cost.h"

#include <algorithm>
#include <cmath>

namespace telora {

std::optional<EdgeScore> edge_score(double accuracy, double free, const Cost& cost,
                                    const EdgeExponents& exponents) {
  constexpr double kGigabyte = 1e9;
  if (!(cost.latency_p50_seconds > 0) || cost.peak_memory_bytes <= 0) return std::nullopt;
  const double memory = static_cast<double>(cost.peak_memory_bytes) / kGigabyte;
  const double price =
      std::pow(cost.latency_p50_seconds, exponents.latency) * std::pow(memory, exponents.memory);
  const double gained = free < 1 ? std::max(0.0, (accuracy - free) / (1 - free)) : 0.0;
  return EdgeScore{accuracy / price, gained / price};
}

}  // namespace telora
