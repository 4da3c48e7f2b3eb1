#pragma once

#include <string>

namespace telora {

// `lora-inspect model`: what a backbone is, how much memory it takes, how large its adapters are,
// and the digests that identify it. Throws as find_backbone(), Checkpoint and Tokenizer.
void inspect_model(const std::string& backbone, bool json);

}  // namespace telora
