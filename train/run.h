#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "eval/report.h"
#include "train/recipe.h"
#include "train/run_log.h"

namespace telora {

struct RunRequest {
  Recipe recipe;              // as load_recipe or read_recipe gave it
  std::filesystem::path out;  // the run's folder
  bool resume = false;        // continue what is in it
  bool evaluate_test = true;  // score the test part before and after
  std::string dump_batches;   // file for the token ids of every batch; empty = none
  std::string save_initial;   // folder for the adapter before the first step; empty = none
};

// What the caller shows. All may be empty.
struct RunWatcher {
  std::function<void(const std::vector<std::pair<std::string, std::string>>& header)> on_header;
  std::function<void(const std::string& note)> on_note;
  std::function<void(const std::string& stage, int64_t done, int64_t total)>
      on_progress;  // evaluations
  std::function<void(const StepRecord&, int64_t total_steps)> on_step;
  std::function<void(const EvaluationRecord&)> on_evaluation;
  std::function<bool()> stop_asked;
};

enum class RunEnd { kFinished, kInterrupted };

struct RunResult {
  RunEnd end = RunEnd::kFinished;
  std::filesystem::path folder;
  std::optional<Report> report = std::nullopt;  // of a finished run that was scored
  bool stopped_early = false;
  int64_t best_step = 0;
  int64_t steps = 0;
};

// The whole job: data, split, backbone, scores before, training, scores after, adapter, report,
// manifest (written last, so that a folder with telora.json is a finished run). Interrupted, it
// leaves a checkpoint that a resumed run continues bit for bit. Throws Error; then nothing is
// published.
RunResult run_training(const RunRequest& request, const RunWatcher& watcher);

}  // namespace telora
