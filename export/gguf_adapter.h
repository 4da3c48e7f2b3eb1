#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <string>
#include <vector>

#include "adapters/peft_folder.h"
#include "backbone/decoder_spec.h"
#include "core/ggml_types.h"
#include "export/provenance.h"

namespace telora {

// One pair as a GGUF adapter holds it: llama.cpp adds alpha / rank · B A to the weight of this
// name.
struct GgufPair {
  std::string weight;  // "blk.0.attn_q.weight"
  at::Tensor a;        // [rank, in] f32
  at::Tensor b;        // [out, rank] f32, rows in the file's order
};

struct GgufPairs {
  float alpha = 0;  // of the whole file
  std::vector<GgufPair> pairs;
};

// The pairs that make llama.cpp add exactly what the adapter adds: its file has one alpha and no
// rsLoRA or patterns, so alpha is the one that most modules need (alpha · √r for rsLoRA) and B of
// every other module is multiplied by what is missing. Rows of q and k are reordered where the
// architecture wants it, a fused gate and up becomes two pairs with one A. Throws Error(config) for
// DoRA, which no such file can hold.
GgufPairs gguf_pairs(const AdapterFile& adapter, const DecoderSpec& spec);

// Publishes them as a GGUF LoRA adapter for llama.cpp. `type`: F32, F16, BF16 or Q8_0; where rows
// are no whole blocks of Q8_0 the tensor is F16. Throws as gguf_pairs() and write_gguf(),
// Error(data) naming module and value for what `type` cannot hold, Error(internal) for another
// type.
void write_gguf_adapter(const std::filesystem::path& path, const AdapterFile& adapter,
                        const DecoderSpec& spec, GgmlType type, const Provenance& provenance);

// general.architecture of a GGUF file of this model. Dense Granite 4 is written as granite.
std::string gguf_architecture(const DecoderSpec& spec);

}  // namespace telora
