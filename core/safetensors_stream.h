#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/safetensors.h"
#include "core/tensor_sink.h"

namespace telora {

// write_safetensors() without all tensors in memory: `fill(i, sink)` appends the bytes of
// tensors[i], called once for each in the file's order. Throws Error(internal) for another number
// of bytes than the shape's, what `fill` throws, and as publish(); then nothing is written.
void stream_safetensors(const std::filesystem::path& path, const std::vector<TensorShape>& tensors,
                        const std::map<std::string, std::string>& metadata,
                        const std::function<void(size_t index, TensorSink& sink)>& fill);

}  // namespace telora
