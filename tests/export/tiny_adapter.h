#pragma once

#include <vector>

#include "adapters/peft_folder.h"
#include "backbone/decoder_spec.h"

namespace telora {

// Random pairs, neither side zero, for every module of `spec` that `config` selects.
AdapterFile tiny_adapter(const DecoderSpec& spec, const LoraConfig& config);

// Plain, rsLoRA, ranks and alphas by pattern, attention only.
std::vector<LoraConfig> tiny_configs();

}  // namespace telora
