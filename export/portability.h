#pragma once

#include <string>
#include <vector>

#include "adapters/peft_folder.h"

namespace telora {

// What other programs than PEFT make of this adapter as a PEFT folder, one sentence each: vLLM's
// limits of rank, patterns that it does not read, DoRA. Nothing where all of them act as PEFT does.
std::vector<std::string> portability_warnings(const AdapterFile& adapter);

// The same changes with one rank and one scale of 1 for all modules, which every reader of PEFT
// folders understands: pairs of a lower rank are filled up with zeros, what rsLoRA and patterns say
// of a module's scale is in its B. Throws Error(config) for DoRA.
AdapterFile portable(const AdapterFile& adapter);

}  // namespace telora
