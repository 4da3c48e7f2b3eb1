#pragma once

#include "ablate/ablation.h"

namespace telora {

// Fills in best, smallest, detectable and the sentence.
void add_verdict(Ablation& ablation);

}  // namespace telora
