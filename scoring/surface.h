#pragma once

#include <cstddef>
#include <vector>

#include "data/example.h"
#include "scoring/hashed_text.h"

namespace telora {

// How each option of a question looks beside the others, as features: its place, its rank by
// length, signs, words shared with the question and with other options, and which stock phrases it
// or the others hold. What the words mean is not looked at. The plain ones have indices below
// plain_surface_size(); behind them each stands once more for the option's place, with less weight:
// what counts in the first option need not count in the last.
std::vector<Features> surface_features(const Example& example);

size_t plain_surface_size();
size_t surface_size();  // every index is below this

}  // namespace telora
