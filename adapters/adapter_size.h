#pragma once

#include <cstdint>
#include <vector>

#include "backbone/decoder_spec.h"
#include "core/safetensors.h"

namespace telora {

// Values of plain LoRA pairs of one rank on these modules: the sum of rank * (in + out).
int64_t lora_parameter_count(const std::vector<ModuleShape>& modules, int64_t rank);

// Exact size of the adapter_model.safetensors that write_adapter() makes of them.
uint64_t adapter_file_bytes(const std::vector<ModuleShape>& modules, int64_t rank, Dtype dtype);

}  // namespace telora
