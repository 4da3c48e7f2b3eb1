#pragma once

#include "backbone/decoder_spec.h"
#include "core/gguf.h"

namespace telora {

// The decoder that a GGUF model file describes (keys as llama.cpp writes them). Only architecture
// "llama"; the head is tied when there is no output.weight. Throws Error(data) naming the key: also
// for a missing rope.freq_base and for any key of the architecture that is not handled.
DecoderSpec read_gguf_spec(const GgufFile& file);

}  // namespace telora
