#include "eval/token_choice.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "backbone/torch.h"

namespace telora {

namespace {

// exp((logit - greatest) / temperature) of each token. LibTorch's exp is vectorised; over a whole
// vocabulary that counts.
std::vector<float> weights_of(std::span<const float> logits, double temperature) {
  std::vector<float> weights(logits.begin(), logits.end());
  const float greatest = *std::ranges::max_element(logits);
  at::from_blob(weights.data(), {std::ssize(weights)}, at::kFloat)
      .sub_(greatest)
      .div_(temperature)
      .exp_();
  return weights;
}

double sum(std::span<const float> weights) {
  return std::accumulate(weights.begin(), weights.end(), 0.0);
}

// An index, each with the probability of its weight.
size_t draw(std::span<const float> weights, RandomStream& random) {
  double left = random.next_unit() * sum(weights);
  size_t last = 0;  // that can be drawn at all: rounding may use the sum up
  for (size_t i = 0; i < weights.size(); ++i) {
    left -= weights[i];
    if (left < 0) return i;
    if (weights[i] > 0) last = i;
  }
  return last;
}

// The fewest tokens that have top_p of the weight, most likely first. Tokens below (1 - top_p) / V
// have less than 1 - top_p together, so the nucleus is among the others: few are left to sort.
std::vector<int32_t> nucleus(std::span<const float> weights, double top_p) {
  const double total = sum(weights), wanted = top_p * total;
  const double least = (total - wanted) / static_cast<double>(weights.size());
  std::vector<int32_t> ids;
  for (size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] >= least) ids.push_back(static_cast<int32_t>(i));
  }
  const auto weight = [&](int32_t id) { return weights[static_cast<size_t>(id)]; };
  std::ranges::stable_sort(ids, std::greater(), weight);
  double held = 0;
  size_t kept = 0;
  while (kept < ids.size() && held < wanted) held += weight(ids[kept++]);
  ids.resize(kept);
  return ids;
}

}  // namespace

RandomStream item_stream(uint64_t seed, const std::string& item, uint64_t sample) {
  return RandomStream(stream_key(seed + sample, ("sample:" + item).c_str()));
}

int32_t choose_token(std::span<const float> logits, const Sampling& sampling,
                     RandomStream& random) {
  if (sampling.temperature == 0) {
    return static_cast<int32_t>(std::ranges::max_element(logits) - logits.begin());
  }
  const std::vector<float> weights = weights_of(logits, sampling.temperature);
  if (sampling.top_p == 1) return static_cast<int32_t>(draw(weights, random));
  const std::vector<int32_t> ids = nucleus(weights, sampling.top_p);
  std::vector<float> kept;
  for (const int32_t id : ids) kept.push_back(weights[static_cast<size_t>(id)]);
  return ids[draw(kept, random)];
}

}  // namespace telora
