#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace telora {

// GGUF name of a Hugging Face parameter of a Llama-type decoder:
// "model.layers.3.mlp.up_proj.weight" is "blk.3.ffn_up.weight". Empty for a name that has none.
std::string gguf_name(std::string_view name);

// Whether llama.cpp's converter reorders the rows of this parameter (q and k of architecture
// llama).
bool has_gguf_row_order(std::string_view name);

// The GGUF row that holds row `row` of a q or k parameter. GGUF pairs rows 2j and 2j+1 of a head
// for RoPE where Hugging Face pairs j and j + head_dim/2.
int64_t gguf_row(int64_t row, int64_t head_dim);

}  // namespace telora
