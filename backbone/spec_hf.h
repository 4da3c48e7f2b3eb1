#pragma once

#include <filesystem>

#include "backbone/decoder_spec.h"

namespace telora {

// The decoder that `folder`/config.json describes (transformers 4 and 5 styles), of the families in
// backbone/hf_families.cc. Throws Error(missing) without the file and Error(data) naming the key
// otherwise: for a value out of range, a variant that is not implemented, and any key not known to
// be harmless.
DecoderSpec read_hf_spec(const std::filesystem::path& folder);

}  // namespace telora
