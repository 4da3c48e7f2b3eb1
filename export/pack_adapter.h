#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "adapters/rerank.h"

namespace telora {

// How small an adapter is to be: exactly one of the three.
struct PackTarget {
  std::optional<int64_t> rank = {};
  std::optional<double> energy = {};   // share of the squared norm of each module's change
  std::optional<uint64_t> bytes = {};  // of adapter_model.safetensors, or of the GGUF file
};

struct PackRequest {
  std::string adapter = {};   // run or PEFT folder
  std::string backbone = {};  // name, model folder or .gguf file
  std::string out = {};       // PEFT folder; a .gguf file for q8_0
  std::string type = "f32";   // f32, f16, bf16; q8_0
  PackTarget target = {};
  bool accept_risk = false;  // an adapter of other base weights too
};

struct PackResult {
  std::vector<std::string> modules = {};
  Ranks before = {}, after = {};
  double kept = 0;            // share of the squared norm of all changes
  uint64_t bytes_before = 0;  // of the file with the weights
  uint64_t bytes_after = 0;
};

// Writes the nearest adapter of the wanted size (adapters/rerank.h), with the origin's digests.
// Throws Error(usage) for a target that is none, several or out of reach and for an unknown type,
// Error(cannot_create) if `out` is there, and as read_adapter() and rerank().
PackResult pack_adapter(const PackRequest& request);

}  // namespace telora
