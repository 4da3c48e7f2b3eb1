#include "scoring/majority.h"

#include <fmt/format.h>

#include <algorithm>

namespace telora {

std::optional<size_t> majority_vote(std::span<const Sample> samples) {
  std::optional<size_t> winner;
  std::ptrdiff_t most = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    if (samples[i].predicted.empty()) continue;
    const auto votes = std::ranges::count(samples, samples[i].predicted, &Sample::predicted);
    if (votes <= most) continue;
    most = votes;
    winner = i;
  }
  return winner;
}

std::string majority_name(int64_t samples) { return fmt::format("generated maj@{}", samples); }

}  // namespace telora
