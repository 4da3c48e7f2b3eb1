#pragma once

#include <filesystem>
#include <optional>

#include "adapters/peft_folder.h"
#include "core/ggml_types.h"
#include "export/provenance.h"

namespace telora {

// Publishes `base`, a GGUF file, with the adapter written into its weights. Everything else is the
// base's: metadata, tokenizer, order of tensors, and byte for byte every tensor that keeps its
// values and type. `type` empty: each tensor keeps its type; else matrices get that type (F16 where
// their rows are no whole blocks), vectors stay as they are. One tensor is in memory at a time.
// Throws Error(config) where a changed tensor has a type that cannot be written (K-quants: with the
// command that makes such a file from an F16 one), Error(data) naming the first value that does not
// fit its type, and as MergedWeights and write_gguf(); then nothing is written.
void write_merged_gguf(const std::filesystem::path& path, const std::filesystem::path& base,
                       const AdapterFile& adapter, std::optional<GgmlType> type,
                       const Provenance& provenance);

}  // namespace telora
