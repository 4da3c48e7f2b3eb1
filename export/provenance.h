#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "backbone/backbone.h"

namespace telora {

// What an exported file says of its origin, in a fixed order: "sha256.weights" (of the base),
// "sha256.tokenizer", "category", ... The keys stand below "telora." in GGUF and safetensors
// metadata.
using Provenance = std::vector<std::pair<std::string, std::string>>;

// That of an adapter folder on a base: digests of the base's weights (`weights_digest`), tokenizer
// and template and the size of its vocabulary, of the adapter's own file, and what the run that
// trained it says of itself. Throws as reading tokenizer and manifest.
Provenance provenance_of(const std::filesystem::path& adapter, const BackboneSource& base,
                         const std::string& weights_digest);

// The licence that a base names: general.license of a GGUF file, `license` at the head of a
// folder's README.md; empty where it names none.
std::string license_of(const BackboneSource& base);

}  // namespace telora
