#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backbone/decoder_spec.h"
#include "core/ggml_types.h"
#include "core/safetensors.h"

namespace telora {

// One parameter where it lies on disk, under its Hugging Face name.
struct StoredTensor {
  std::string name;
  std::string stored_name;  // in the file
  std::string file;
  std::vector<int64_t> shape;    // row-major
  std::optional<GgmlType> type;  // empty: an element type that cannot be read as a weight
  std::string type_name;
  int64_t reordered_head = 0;  // rows of a head, where a GGUF file reorders them; 0 = as they are
  float offset = 0;            // the file holds the values plus this
  std::function<void(uint64_t begin, std::span<std::byte> out)> read;  // raw bytes; thread-safe
};

// A model's files, opened and checked: exactly the parameters of its spec, none read yet.
struct StoredModel {
  DecoderSpec spec;
  std::vector<StoredTensor> tensors;  // in the order of parameter_shapes(spec)
};

// `path` is a Hugging Face folder or a .gguf file. Throws Error(missing), or Error(data) which
// lists every missing, extra, misshapen and unreadable tensor at once.
StoredModel open_model(const std::filesystem::path& path);

// Calls `use(first, values)` over all values in row-major order, in pieces of whole rows; `first`
// is the flat index of values[0]. Rows come in Hugging Face order. Throws Error(data) for NaN,
// infinity or a magnitude above `limit`, naming the tensor and the first such index.
void for_each_piece(const StoredTensor& tensor, float limit,
                    const std::function<void(int64_t first, std::span<const float> values)>& use);

// The same for whole rows from flat index `first` on; whole heads where rows are reordered.
void read_rows(const StoredTensor& tensor, float limit, int64_t first, std::span<float> out);

int64_t element_count(const StoredTensor& tensor);

// How a safetensors type is decoded; empty for one that is no weight.
std::optional<GgmlType> weight_type(Dtype dtype);

}  // namespace telora
