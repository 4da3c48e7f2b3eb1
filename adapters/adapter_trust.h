#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "adapters/adapter_summary.h"
#include "adapters/peft_folder.h"

namespace telora {

// What can be told of an adapter's origin: by telora.json, the manifest of a run, where its folder
// has one, and by its spectrum.

// Throws Error(integrity) with both digests if config or weights are not those that the folder's
// manifest names: parts of two saves in one folder. Nothing without a manifest.
void require_own_files(const std::filesystem::path& folder);

// Modules one direction of which outweighs everything else: more than 90 % of the squared norm of
// the change lies in its largest singular value, and that is more than ten times the median of the
// modules of its name (four at least). Training leaves either, hardly both; written-in changes,
// as of a hidden trigger, do.
std::vector<const LoraModuleSummary*> suspicious_modules(
    const std::vector<LoraModuleSummary>& modules);

// Throws Error(integrity) if the folder's manifest, or the file's metadata where there is none,
// names weights of another base than `weights_digest`, with both digests, and Error(data) naming a
// suspicious module. `advice` says how to go on all the same.
void require_trust(const std::filesystem::path& folder, const AdapterFile& adapter,
                   const std::string& weights_digest, const std::string& advice);

}  // namespace telora
