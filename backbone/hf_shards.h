#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/safetensors.h"

namespace telora {

// One tensor of a model folder and the file that holds it.
struct ShardTensor {
  std::shared_ptr<const SafetensorsFile> file;
  const SafetensorsEntry* entry;
};

// All tensors of a Hugging Face folder: model.safetensors, or the shards that
// model.safetensors.index.json maps. Throws Error(missing) without either and for a missing shard,
// Error(data) where index and shards disagree, naming the weight_map entry.
std::vector<ShardTensor> open_shards(const std::filesystem::path& folder);

}  // namespace telora
