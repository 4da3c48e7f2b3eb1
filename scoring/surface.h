#pragma once

#include <cstddef>
#include <vector>

#include "data/example.h"
#include "scoring/hashed_text.h"

namespace telora {

// How each option of a question looks beside the others, as features of 0 and 1: its place, its
// rank by length, signs, words shared with the question and with other options, and which stock
// phrases it or the others hold. What the words mean is not looked at. `by_place` adds each feature
// once more for the option's place, with less weight: what counts in the first option need not
// count in the last.
std::vector<Features> surface_features(const Example& example, bool by_place);

// Every index is below this.
size_t surface_size();

}  // namespace telora
