#pragma once

#include <filesystem>

#include "backbone/decoder_spec.h"
#include "core/gguf_writer.h"

namespace telora {

// Adds the tokenizer of a Hugging Face folder, filled up to the spec's vocabulary, and its
// template: byte-level BPE of tokenizer.json, or the BPE of a SentencePiece model ("llama", as
// llama.cpp calls it); "no_vocab" where the folder has none. Throws Error(config) for other kinds,
// for a pre-tokenizer that llama.cpp has no name for and for a SentencePiece model that changes
// text first, and as reading the tokenizer throws.
void add_gguf_tokenizer(GgufMetadata& metadata, const std::filesystem::path& folder,
                        const DecoderSpec& spec);

}  // namespace telora
