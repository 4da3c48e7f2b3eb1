#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "adapters/delta_slots.h"
#include "adapters/lora_adapter.h"
#include "train/batch_dump.h"
#include "train/checkpoint.h"
#include "train/run.h"
#include "train/run_folder.h"
#include "train/run_profiler.h"
#include "train/trainer.h"
#include "train/workbench.h"

namespace telora {

// One run on a workbench that others may share: its recipe, folder, adapter, optimizer and log.
// Between two calls nothing of it is attached to the backbone. What the constructor is given must
// outlive it.
class RunSession {
 public:
  // Resolves the recipe, encodes the rows, makes the adapter; writes nothing. Throws Error(config)
  // for a recipe that does not fit the backbone. `profile` is in use while the run is worked for;
  // nullptr if none was asked for.
  RunSession(const RunRequest& request, const RunWatcher& watcher, RunFolder folder,
             Workbench& bench, Profile* profile);

  // Publishes the recipe: from then on the run can be resumed.
  void begin();

  // The next piece of work: scores of the base, a step, an evaluation, or scores of the adapter and
  // everything that is published. Returns the result when that was the last. Throws what ends the
  // run.
  std::optional<RunResult> advance();

  const std::filesystem::path& folder() const { return folder_.root(); }

 private:
  enum class Stage { kBase, kTrain, kAdapter };

  void score_base();
  void start_training();
  void restore();
  TrainerHooks make_hooks();
  void train_on();
  std::optional<EvaluationRecord> validate();
  std::optional<Evaluation> earlier_scores(const std::filesystem::path& file) const;
  Evaluation score_adapter();
  RunResult finish();
  std::function<void(int64_t)> progress_of(const std::string& stage, size_t total) const;
  RunResult interrupted() const;
  bool stop_asked() const { return watcher_.stop_asked && watcher_.stop_asked(); }
  void note(const std::string& text) const;

  const RunRequest& request_;
  const RunWatcher& watcher_;
  RunFolder folder_;
  Workbench& bench_;
  const CategoryRows& rows_;
  Recipe recipe_;
  const EncodedParts& parts_;
  LoraAdapter adapter_;
  RunIdentity identity_;

  Stage stage_ = Stage::kBase;
  Evaluation before_;
  DeltaSlots slots_;
  std::optional<Trainer> trainer_;
  std::optional<RunLog> log_;
  std::optional<BatchDump> dump_;
  TrainerHooks hooks_;
  TrainEnd end_ = TrainEnd::kFinished;
  std::optional<RunProfiler> profiler_;
};

}  // namespace telora
