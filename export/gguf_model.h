#pragma once

#include <filesystem>
#include <optional>

#include "adapters/peft_folder.h"
#include "core/ggml_types.h"
#include "export/provenance.h"

namespace telora {

// Publishes `base`, a Hugging Face folder, as a GGUF model for llama.cpp with the adapter written
// into its weights: names, order of rows, metadata and tokenizer as its converter writes them; a
// fused gate and up becomes two tensors. `type` empty: matrices keep the folder's type; else they
// get it (F16 where rows are no whole blocks). Vectors are F32. Weights pass through memory a piece
// at a time. Throws as gguf_model_metadata(), add_gguf_tokenizer(), MergedWeights and write_gguf(),
// Error(data) naming the first value that does not fit; then nothing is written.
void write_gguf_model(const std::filesystem::path& path, const std::filesystem::path& base,
                      const AdapterFile& adapter, std::optional<GgmlType> type,
                      const Provenance& provenance);

}  // namespace telora
