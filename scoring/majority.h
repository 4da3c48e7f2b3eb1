#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "scoring/prediction.h"
#include "scoring/sampling.h"

namespace telora {

inline constexpr int64_t kMostSamples = 64;

// How Maj@k is made. Maj@4 was published for these categories without its settings; temperature 0.7
// is that of the published 6G-Bench scripts.
struct MajoritySettings {
  int64_t samples = 0;  // k; 0: no vote
  Sampling sampling = {.temperature = 0.7, .top_p = 1};
  uint64_t seed = 42;  // sample i of a question is drawn with seed + i and the question's id
};

// The first sample of those that give the most frequent answer (Wang et al., arXiv 2203.11171); of
// equally frequent answers that which was drawn first. A sample that was not understood has no
// vote; nothing if none was.
std::optional<size_t> majority_vote(std::span<const Sample> samples);

// "generated maj@4"
std::string majority_name(int64_t samples);

}  // namespace telora
