#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "export/held_out.h"

namespace telora {

struct BundleRequest {
  std::string adapter = {};   // run or PEFT folder
  std::string backbone = {};  // name, model folder or .gguf file
  std::string out = {};       // folder
  std::string form = "gguf";  // or peft: how the adapter is written
  HeldOutRequest asked = {};  // whose first rows are the prompts; no category: the run's
  std::string license = {};   // of the adapter, an SPDX identifier; empty: not stated
  bool accept_risk = false;   // an adapter of other base weights too
};

// One folder for a device: the adapter, manifest.json (docs/formats.md) with digests of base,
// tokenizer, template and every file, prompts with the token ids and greedy answers to expect of
// them, SHA256SUMS, README.md. The answers are those of the file as it was written, in float32.
// Throws Error(integrity) for an adapter of other weights or a file that does not act as trained,
// Error(usage) for an unknown form, and as the writers; then nothing is at `out`.
void write_bundle(const BundleRequest& request);

struct BundleCheck {
  std::vector<std::string> faults = {};  // one line each; empty: the device has what was meant
  int64_t files = 0;
  int64_t prompts = 0;
  int64_t same_answers = 0;
};

// Holds a bundle and a backbone on this machine against the manifest: digests of files, weights,
// tokenizer and template, ids of the prompts, answers. Throws Error(data) for a manifest that
// cannot be read, and as loading the parts throws.
BundleCheck check_bundle(const std::string& folder, const std::string& backbone);

}  // namespace telora
