#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "ablate/plan_file.h"

namespace telora {

// Which learning rate suits each combination of a sweep: short runs of the first seed at each rate,
// judged on the validation part alone.
struct ScanRequest {
  std::vector<std::string> rates;  // as --set takes them
  double share = 0.25;             // of a run's steps that a scan run takes
};

// Values of the axes but seed and learning rate: what has a rate of its own.
using Combination = std::vector<std::pair<std::string, std::string>>;
Combination combination_of(const PlannedRun& run);

// The scan's runs: every combination at every rate, for `steps(run)` · share steps, the whole
// schedule within them. Throws Error(usage) for a sweep that has learning_rate as an axis, for
// fewer than two rates and for a share outside 0 to 1, and as load_recipe().
std::vector<PlannedRun> scan_runs(const std::vector<PlannedRun>& runs, const ScanRequest& request,
                                  const std::function<int64_t(const Recipe&)>& steps);

struct ScanChoice {
  Combination combination = {};
  std::string name = {};  // "rank 8"
  std::string rate = {};  // the best
  // Of each rate, the best value of the selection metric on the validation part.
  std::vector<std::pair<std::string, double>> values = {};
};

// Reads what the scan's runs have left. Throws Error(data) for a run that has no such value.
std::vector<ScanChoice> choose_rates(const std::filesystem::path& folder,
                                     const std::vector<PlannedRun>& scan);

// The runs of the sweep, each with its combination's rate.
std::vector<PlannedRun> with_rates(std::vector<PlannedRun> runs,
                                   const std::vector<ScanChoice>& choices);

// In words: the rates, and how far apart the combinations are at one rate and at their best ones.
std::string render_scan(const std::vector<ScanChoice>& choices);

}  // namespace telora
