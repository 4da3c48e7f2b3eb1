#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace telora {

// The shuffles of other programs, reproduced bit for bit so that their splits can be drawn again.
// Each returns a permutation of 0 … count-1; count must be below 2^32.

// CPython: random.seed(seed); random.shuffle(list(range(count))).
std::vector<size_t> python_shuffle(size_t count, uint64_t seed);

// NumPy's legacy generator: RandomState(seed).permutation(count). Its seeds have 32 bits.
std::vector<size_t> numpy_legacy_permutation(size_t count, uint32_t seed);

// NumPy: default_rng(seed).permutation(count), that is PCG64 seeded through SeedSequence.
std::vector<size_t> numpy_permutation(size_t count, uint64_t seed);

}  // namespace telora
