#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "backbone/decoder_spec.h"

namespace telora {

// GGUF name of a Hugging Face parameter of a decoder whose norms are placed so:
// "model.layers.3.mlp.up_proj.weight" is "blk.3.ffn_up.weight". Empty for a name that has none.
std::string gguf_name(std::string_view name, NormPlacement placement = NormPlacement::kBefore);

// Whether llama.cpp's converter reorders the rows of this parameter: q and k of the architectures
// llama and granite.
bool has_gguf_row_order(std::string_view name, std::string_view architecture);

// Whether it stores 1 + the value: norms of models whose checkpoints hold offsets from 1.
bool has_gguf_offset(std::string_view name, const DecoderSpec& spec);

// The GGUF row that holds row `row` of a q or k parameter. GGUF pairs rows 2j and 2j+1 of a head
// for RoPE where Hugging Face pairs j and j + head_dim/2.
int64_t gguf_row(int64_t row, int64_t head_dim);

}  // namespace telora
