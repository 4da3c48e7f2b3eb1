#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "adapters/peft_folder.h"
#include "backbone/decoder_spec.h"

namespace telora {

// A GGUF LoRA adapter as llama.cpp would apply it to a model of this spec: pairs by Hugging Face's
// names, in the order of linear_modules(), rows in Hugging Face's order, every scale 1 (what alpha
// and rank say is in B). Metadata: the file's "telora.*" strings, without the prefix. Modules
// without tensors are left out. Throws Error(data) for a file that is no such adapter, is one of
// another architecture, holds a tensor that belongs to no module, half a pair or a shape that does
// not fit, for values that are not finite, and for gate and up of a fused MLP with different A.
AdapterFile read_gguf_adapter(const std::filesystem::path& path, const DecoderSpec& spec);

}  // namespace telora
