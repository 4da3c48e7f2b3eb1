#pragma once

#include <vector>

#include "adapters/lora_config.h"
#include "backbone/decoder_spec.h"
#include "core/safetensors.h"

namespace telora {

// The tensors of one adapted module inside a container.
struct LoraPair {
  const ModuleShape* module;
  const SafetensorsEntry* a;          // [rank, in]
  const SafetensorsEntry* b;          // [out, rank]
  const SafetensorsEntry* magnitude;  // [out]; nullptr without DoRA
};

// The pairs of `file` in the order of `base`, whose elements the result points to. Reads names,
// types and shapes only. Throws one Error(data) that lists every way in which file, config and base
// differ.
std::vector<LoraPair> fit_to_base(const SafetensorsFile& file, const std::vector<ModuleShape>& base,
                                  const LoraConfig& config);

}  // namespace telora
