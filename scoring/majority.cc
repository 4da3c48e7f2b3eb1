#include "scoring/majority.h"

#include <fmt/format.h>

#include <algorithm>

namespace telora {

std::optional<size_t> majority_vote(std::span<const std::optional<size_t>> answers) {
  std::optional<size_t> winner;
  std::ptrdiff_t most = 0;
  for (const std::optional<size_t>& answer : answers) {
    if (!answer) continue;
    const auto votes = std::ranges::count(answers, answer);
    if (votes <= most) continue;
    most = votes;
    winner = answer;
  }
  return winner;
}

std::string majority_name(int64_t samples) { return fmt::format("generated maj@{}", samples); }

}  // namespace telora
