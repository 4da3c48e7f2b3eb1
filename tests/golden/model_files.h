#pragma once

#include <filesystem>
#include <string>

#include "backbone/decoder_spec.h"
#include "core/ggml_types.h"
#include "tests/golden/gguf_writer.h"
#include "tests/golden/tiny_models.h"

namespace telora::golden {

// config.json of the model: transformers 4 keys, or rope_parameters and dtype of transformers 5.
enum class ConfigStyle { kTransformers4, kTransformers5 };
std::string config_json(const DecoderSpec& spec, ConfigStyle style);

// A Hugging Face folder with `shards` files (an index if more than one), tensors as their own
// dtype.
void write_folder(const std::filesystem::path& folder, const DecoderSpec& spec,
                  const Tensors& weights, int shards = 1,
                  ConfigStyle style = ConfigStyle::kTransformers5);

// The model as llama.cpp's converter writes it: q and k rows reordered, norms and biases F32, and
// F16 where a row is no whole number of blocks. The writer can still be changed before it writes.
GgufWriter gguf_of(const DecoderSpec& spec, const Tensors& weights, GgmlType type);
// Only the keys of the configuration.
GgufWriter gguf_metadata(const DecoderSpec& spec);
void add_gguf_tensor(GgufWriter& writer, const DecoderSpec& spec, const std::string& name,
                     const at::Tensor& weight, GgmlType type);

}  // namespace telora::golden
