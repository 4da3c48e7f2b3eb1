#pragma once

#include <cstdint>
#include <vector>

#include "backbone/decoder_spec.h"
#include "core/safetensors.h"

namespace telora {

// Values of LoRA pairs of one rank on these modules: the sum of rank * (in + out), and of out for
// the magnitudes of DoRA.
int64_t lora_parameter_count(const std::vector<ModuleShape>& modules, int64_t rank,
                             bool dora = false);

// Exact size of the adapter_model.safetensors that write_adapter() makes of them.
uint64_t adapter_file_bytes(const std::vector<ModuleShape>& modules, int64_t rank, Dtype dtype,
                            bool dora = false);

}  // namespace telora
