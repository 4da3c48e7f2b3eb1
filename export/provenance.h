#pragma once

#include <string>
#include <utility>
#include <vector>

namespace telora {

// What an exported file says of its origin, in a fixed order: "sha256.weights" (of the base),
// "sha256.tokenizer", "category", ... The keys stand below "telora." in GGUF and safetensors
// metadata.
using Provenance = std::vector<std::pair<std::string, std::string>>;

}  // namespace telora
