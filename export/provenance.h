#pragma once

#include <string>
#include <utility>
#include <vector>

namespace telora {

// What an exported file says of its origin, in a fixed order: "base.weights" and its SHA-256,
// "tokenizer", "category", ... The keys stand below "telora." in GGUF and safetensors metadata.
using Provenance = std::vector<std::pair<std::string, std::string>>;

}  // namespace telora
