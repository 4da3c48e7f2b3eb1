#include "eval/sampling.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/error.h"

namespace telora {

namespace {

struct Candidate {
  int32_t id;
  double weight;  // probability times `total`
};

struct Candidates {
  std::vector<Candidate> tokens;
  double total = 0;
};

Candidates all_tokens(std::span<const float> logits, double temperature) {
  const double greatest = *std::ranges::max_element(logits);
  Candidates all;
  all.tokens.reserve(logits.size());
  for (size_t i = 0; i < logits.size(); ++i) {
    const double weight = std::exp((static_cast<double>(logits[i]) - greatest) / temperature);
    all.tokens.push_back({static_cast<int32_t>(i), weight});
    all.total += weight;
  }
  return all;
}

// Tokens below (1 - top_p) / V have less than 1 - top_p together, so the nucleus is among the
// others: few are left to sort.
void keep_nucleus(Candidates& all, double top_p) {
  const double wanted = top_p * all.total;
  const double least = (all.total - wanted) / static_cast<double>(all.tokens.size());
  std::erase_if(all.tokens, [&](const Candidate& token) { return token.weight < least; });
  std::ranges::stable_sort(all.tokens, std::greater(), &Candidate::weight);
  all.total = 0;
  size_t kept = 0;
  while (kept < all.tokens.size() && all.total < wanted) all.total += all.tokens[kept++].weight;
  all.tokens.resize(kept);
}

}  // namespace

void check_sampling(const Sampling& sampling) {
  if (!(sampling.temperature >= 0) || !std::isfinite(sampling.temperature)) {
    fail(ErrorKind::kUsage, {"--temperature", ""}, fmt::format("{}", sampling.temperature),
         "0 (greedy) or more");
  }
  if (!(sampling.top_p > 0 && sampling.top_p <= 1)) {
    fail(ErrorKind::kUsage, {"--top-p", ""}, fmt::format("{}", sampling.top_p),
         "more than 0, at most 1");
  }
}

RandomStream item_stream(uint64_t seed, const std::string& item) {
  return RandomStream(stream_key(seed, ("sample:" + item).c_str()));
}

int32_t choose_token(std::span<const float> logits, const Sampling& sampling,
                     RandomStream& random) {
  if (sampling.temperature == 0) {
    return static_cast<int32_t>(std::ranges::max_element(logits) - logits.begin());
  }
  Candidates candidates = all_tokens(logits, sampling.temperature);
  if (sampling.top_p < 1) keep_nucleus(candidates, sampling.top_p);
  double left = random.next_unit() * candidates.total;
  for (const Candidate& token : candidates.tokens) {
    left -= token.weight;
    if (left < 0) return token.id;
  }
  // Rounding used the sum up: the last token that can be drawn at all.
  const auto last = std::ranges::find_if(candidates.tokens.rbegin(), candidates.tokens.rend(),
                                         [](const Candidate& token) { return token.weight > 0; });
  return last->id;
}

}  // namespace telora
