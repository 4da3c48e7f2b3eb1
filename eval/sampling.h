#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "core/random.h"

namespace telora {

// How the next token is chosen from its logits.
struct Sampling {
  double temperature = 0;  // logits are divided by it; 0: always the most likely token
  double top_p = 1;        // draw from the fewest tokens that have this probability together
};

// Throws Error(usage) for a temperature that is negative or no number, and for top_p outside (0,
// 1].
void check_sampling(const Sampling& sampling);

// The random numbers of one item's sample number `sample`: the same whatever stands beside it in a
// batch. Sample i of a seed is sample 0 of seed + i.
RandomStream item_stream(uint64_t seed, const std::string& item, uint64_t sample = 0);

// The token chosen from `logits` [V]: the first of the greatest ones at temperature 0; else drawn
// with one number of `random` from softmax(logits / temperature) cut to the nucleus of top_p
// (Holtzman et al., arXiv 1904.09751), tokens of equal probability in the order of their ids.
int32_t choose_token(std::span<const float> logits, const Sampling& sampling, RandomStream& random);

}  // namespace telora
