#pragma once

#include <vector>

#include "backbone/decoder_spec.h"
#include "core/safetensors.h"

namespace telora {

// The modules that an adapter's tensor names and shapes describe; layers in the order of their
// numbers, names of one layer in byte order. A shape that is none of a pair leaves a zero, which no
// tensor fits.
std::vector<ModuleShape> described_modules(const SafetensorsFile& file);

}  // namespace telora
