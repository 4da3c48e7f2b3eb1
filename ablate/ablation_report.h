#pragma once

#include <filesystem>
#include <string>

#include "ablate/ablation.h"

namespace telora {

// For a console: a line a group, the pairs against the best, the runs that are missing, the
// sentence. UTF-8, at most 100 columns.
std::string render_ablation(const Ablation& ablation);

// ablation.json, schema version 1 (docs/ablation.md).
void write_ablation_json(const std::filesystem::path& path, const Ablation& ablation);

// ablation.html: one page, whole in itself, no script.
std::string render_ablation_page(const Ablation& ablation);

}  // namespace telora
