#pragma once

#include <exception>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "scoring/report.h"
#include "train/recipe.h"
#include "train/run_log.h"
#include "train/run_profile.h"

namespace telora {

struct RunRequest {
  Recipe recipe;                  // as load_recipe or read_recipe gave it
  std::filesystem::path out;      // the run's folder
  bool resume = false;            // continue what is in it
  bool evaluate_test = true;      // score the test part before and after
  bool profile = false;           // say where time and memory went
  std::string dump_batches = {};  // file for the token ids of every batch; empty = none
  std::string save_initial = {};  // folder for the adapter before the first step; empty = none
};

// What the caller shows, and when it wants the run to stop. All may be empty.
struct RunWatcher {
  std::function<void(const std::vector<std::pair<std::string, std::string>>& header)> on_header =
      nullptr;
  std::function<void(const std::string& note)> on_note = nullptr;
  std::function<void(const std::string& stage, int64_t done, int64_t total)> on_progress =
      nullptr;  // evaluations
  std::function<void(const StepRecord&, int64_t total_steps)> on_step = nullptr;
  std::function<void(const EvaluationRecord&)> on_evaluation = nullptr;
  std::function<bool()> stop_asked = nullptr;  // true: save a checkpoint and end
};

enum class RunEnd { kFinished, kInterrupted, kFailed };

struct RunResult {
  RunEnd end = RunEnd::kFinished;
  std::filesystem::path folder;
  std::optional<Report> report = std::nullopt;  // of a finished run that was scored
  bool stopped_early = false;
  int64_t best_step = 0;
  std::optional<double> best_value = std::nullopt;  // of the selection metric, if it was evaluated
  int64_t steps = 0;
  std::optional<RunProfile> profile = std::nullopt;  // of a finished run, if asked for
  std::exception_ptr failure = nullptr;              // why it failed
};

// The whole job: data, split, backbone, scores before, training, scores after, adapter, report,
// manifest (written last, so that a folder with telora.json is a finished run). Interrupted, it
// leaves a checkpoint that a resumed run continues bit for bit. Throws Error; then nothing is
// published.
RunResult run_training(const RunRequest& request, const RunWatcher& watcher);

// Several such jobs over one resident backbone, in turn: each scores the base, then all take one
// step (or the evaluation that is due) after the other, until each has ended. Every folder ends up
// as if its run had been alone, but for timings and peak memory, which is the process's. A run that
// fails ends alone (kFailed), as does one whose watcher asks to stop; the others go on.
// `watchers` is as long as `requests`; the first is also told of what is shared. Throws Error for
// what is wrong before the first step of any: recipes of several backbones or precisions, a folder
// that is taken or named twice, a recipe that does not fit; then no run is begun.
std::vector<RunResult> train_together(const std::vector<RunRequest>& requests,
                                      const std::vector<RunWatcher>& watchers);

}  // namespace telora
