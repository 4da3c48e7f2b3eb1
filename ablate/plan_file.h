#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "ablate/sweep.h"

namespace telora {

// plan.json of a sweep's folder: what its runs are and which of them one process trains together.
struct Plan {
  std::vector<PlannedRun> runs;
  std::vector<std::vector<size_t>> tasks;  // indices of runs; each run once
};

// Groups runs so that each task's share one backbone (train/workbench.h) and, where there are
// several jobs, work is spread over them evenly: `jobs` tasks at least, if there are as many runs.
std::vector<std::vector<size_t>> make_tasks(const std::vector<PlannedRun>& runs, int64_t jobs);

void write_plan(const std::filesystem::path& file, const Plan& plan);

// Throws Error(data) naming file and field.
Plan read_plan(const std::filesystem::path& file);

}  // namespace telora
