#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "adapters/peft_folder.h"
#include "core/safetensors.h"
#include "export/provenance.h"

namespace telora {

struct MergedFolderOptions {
  std::optional<Dtype> dtype = {};       // F32, F16 or BF16; empty: each tensor as in the base
  uint64_t shard_bytes = 5'000'000'000;  // as transformers cuts by default
};

// Fills `folder`, which must be there, with `base`, a Hugging Face folder or a GGUF file, and the
// adapter written into its weights: model.safetensors, or shards and their index, config.json with
// the new type, and the tokenizer's and template's files unchanged (of a GGUF file written anew:
// export/hf_config.h, export/hf_tokenizer.h). A tied head stays tied. Weights pass through
// memory a piece at a time. Throws Error(data) naming the first value that does not fit its type,
// and as MergedWeights and stream_safetensors().
void write_merged_folder(const std::filesystem::path& folder, const std::filesystem::path& base,
                         const AdapterFile& adapter, const MergedFolderOptions& options,
                         const Provenance& provenance);

}  // namespace telora
