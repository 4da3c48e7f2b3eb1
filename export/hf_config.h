#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>

#include "backbone/decoder_spec.h"

namespace telora {

// config.json of transformers for this decoder (names and meanings as its configuration classes
// have them), without the tokens' ids. A spec from a GGUF file holds the divisors of Llama 3's rope
// scaling, not its parameters: the greatest divisor is the factor, the frequency factors are those
// of all published models (1 and 4), the original length is the power of two that gives the
// divisors. Throws Error(config) where none does.
nlohmann::ordered_json hf_config(const DecoderSpec& spec);

// Throws Error(config) naming `folder` unless its config.json describes `spec`, but for what
// float32 numbers of a GGUF file cannot tell.
void require_config_of(const std::filesystem::path& folder, const DecoderSpec& spec);

}  // namespace telora
