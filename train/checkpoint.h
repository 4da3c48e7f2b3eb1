#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "train/train_state.h"

namespace telora {

// What a checkpoint belongs to: digests of recipe, data, split, weights, tokenizer. A run resumes
// only on equal ones.
using RunIdentity = std::map<std::string, std::string>;

// Writes `<folder>/step-NNNNNN/`: state.safetensors, then manifest.json with its size and SHA-256.
// A checkpoint exists when its manifest does. Afterwards only the newest `keep` stay. Throws
// Error(io) on a full disk: then the earlier ones are as they were.
void save_checkpoint(const std::filesystem::path& folder, const TrainState& state,
                     const RunIdentity& identity, int64_t keep);

struct LoadedCheckpoint {
  TrainState state;
  RunIdentity identity;
  std::string name;  // "step-000120"
  std::vector<std::string>
      damaged;  // newer ones that do not match their manifests, set aside as NAME.damaged
};

// The newest checkpoint that matches its manifest; nothing if there is none. Throws Error(data)
// when all that there are are damaged.
std::optional<LoadedCheckpoint> load_newest_checkpoint(const std::filesystem::path& folder);

// Removes step folders that have no manifest: saves that were cut short.
void remove_unfinished_checkpoints(const std::filesystem::path& folder);

// Throws Error(config) naming the part that differs and both digests.
void require_same_identity(const RunIdentity& saved, const RunIdentity& current,
                           const std::string& run);

}  // namespace telora
