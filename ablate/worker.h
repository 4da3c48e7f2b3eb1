#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "train/run.h"

namespace telora {

struct WorkRequest {
  std::filesystem::path folder;  // of the sweep
  size_t task = 0;               // of its plan
  bool evaluate_test = true;
  std::function<bool()> stop_asked = {};
  std::function<void(const std::string& note)> note = {};
};

// Trains the runs of one task of a sweep's plan that are not finished, together over one backbone,
// those that were begun from their checkpoints on. What went wrong with a run is in its folder as
// failure.txt, one line, until it is tried again. Throws Error(usage) for a task that the plan does
// not have, and as train_together() for what is wrong before the first step of any.
std::vector<RunResult> train_task(const WorkRequest& request);

// The line of failure.txt; empty where the run has none.
std::string failure_of(const std::filesystem::path& run);

}  // namespace telora
