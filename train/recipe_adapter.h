#pragma once

#include <string>
#include <vector>

#include "adapters/lora_config.h"
#include "adapters/lora_init.h"
#include "backbone/decoder_spec.h"
#include "train/recipe.h"

namespace telora {

// What a resolved recipe says of its adapter, as adapter_config.json will say it.
LoraConfig lora_config(const Recipe& recipe);

// How its matrices start.
LoraStart lora_start(const Recipe& recipe);

// "rank 16, alpha 32, dropout 0.05, DoRA": what there is beside plain LoRA at the end.
std::string adapter_words(const Recipe& recipe);

// `init` is one that starts from parts of the weights themselves: pissa or olora.
bool takes_parts_of_weights(const std::string& init);

// The last names of `layers`, each once, in their order: "q_proj".
std::vector<std::string> last_names(const std::vector<ModuleShape>& layers);

// Throws Error(config) for a target, pattern or block number that names none of `layers`, a rank
// that does not fit its layer, or settings that do not go together.
void check_adapter(const Recipe& recipe, const std::vector<ModuleShape>& layers);

}  // namespace telora
