#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "core/random.h"
#include "scoring/sampling.h"

namespace telora {

// The random numbers of one item's sample number `sample`: the same whatever stands beside it in a
// batch. Sample i of a seed is sample 0 of seed + i.
RandomStream item_stream(uint64_t seed, const std::string& item, uint64_t sample = 0);

// The token chosen from `logits` [V]: the first of the greatest ones at temperature 0; else drawn
// with one number of `random` from softmax(logits / temperature) cut to the nucleus of top_p
// (Holtzman et al., arXiv 1904.09751), tokens of equal probability in the order of their ids.
int32_t choose_token(std::span<const float> logits, const Sampling& sampling, RandomStream& random);

}  // namespace telora
