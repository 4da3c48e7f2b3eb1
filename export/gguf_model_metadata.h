#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "backbone/decoder_spec.h"
#include "core/ggml_types.h"
#include "core/gguf_writer.h"

namespace telora {

// The keys from which llama.cpp builds a model of this spec, tokenizer left out (docs/gguf.md of
// the ggml project; names and meanings as its converter writes them). Throws Error(config) for what
// a GGUF file cannot say: a scale of attention that is not the architecture's.
GgufMetadata gguf_model_metadata(const DecoderSpec& spec);

// rope_freqs.weight: by what the angles of each pair are divided; empty without Llama 3 scaling.
std::vector<float> gguf_rope_divisors(const DecoderSpec& spec);

// general.file_type where most tensors have this type.
uint32_t gguf_file_type(GgmlType type);

}  // namespace telora
