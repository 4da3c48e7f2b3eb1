#pragma once

#include <filesystem>

#include "core/gguf.h"

namespace telora {

// Writes the tokenizer of a GGUF file as tokenizer.json, tokenizer_config.json (with the template)
// and generation_config.json (the ids that end an answer), as transformers reads them, and holds
// its digest against the file's. Nothing for a file without a tokenizer. Throws Error(config) for
// other kinds than byte-level BPE.
void write_hf_tokenizer(const std::filesystem::path& folder, const GgufFile& file);

}  // namespace telora
