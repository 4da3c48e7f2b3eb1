#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <string>
#include <unordered_map>
#include <vector>

#include "backbone/decoder_spec.h"
#include "backbone/stored_model.h"

namespace telora {

struct LoadedWeights {
  std::unordered_map<std::string, at::Tensor> tensors;  // by parameter name
  std::string digest;
};

// The frozen weights of a model on disk, read as Hugging Face names and values whatever the format:
// GGUF (the types of core/ggml_types.h) or a folder with safetensors (F32, F16,
// BF16).
class Checkpoint {
 public:
  // `path` is a folder or a .gguf file. Only headers are read. Throws Error(missing) or
  // Error(data); tensors that are missing, extra, misshapen or unreadable are all listed in one
  // error.
  static Checkpoint open(const std::filesystem::path& path);

  const DecoderSpec& spec() const { return model_.spec; }
  const std::string& source() const { return source_; }  // the path as given

  // One parameter on the CPU, kFloat or kBFloat16 (rounded to nearest even). Throws Error(data) for
  // NaN, infinity or a value beyond the type's range, naming the tensor and the first index.
  at::Tensor load(const std::string& name, at::ScalarType dtype) const;
  // All parameters. Reads and decodes on all threads of at::get_num_threads(), piece by piece:
  // beside the result there is one small buffer a thread. `held_as` kFloat keeps values that were
  // rounded to `dtype` as float32, for a processor that multiplies those faster.
  std::unordered_map<std::string, at::Tensor> load_all(at::ScalarType dtype,
                                                       at::ScalarType held_as) const;
  std::unordered_map<std::string, at::Tensor> load_all(at::ScalarType dtype) const {
    return load_all(dtype, dtype);
  }
  // The same and digest(), of one reading.
  LoadedWeights load_with_digest(at::ScalarType dtype, at::ScalarType held_as) const;

  // Identity of the weights, 64 hex digits: SHA-256 over a line `name sha256` for each parameter in
  // byte order of the names, where sha256 is of its values as little-endian float32, row-major.
  // Independent of format, sharding, file order and of any encoding that gives equal values.
  std::string digest() const;

 private:
  Checkpoint(StoredModel model, std::string source)
      : model_(std::move(model)), source_(std::move(source)) {}

  StoredModel model_;
  std::string source_;
};

}  // namespace telora
