#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "ablate/line_tail.h"

namespace telora {

// Where a run stands, by its folder alone: this process need not be the one that trains it.
struct RunProgress {
  enum class Stage { kWaiting, kTraining, kFinished, kFailed };
  Stage stage = Stage::kWaiting;
  int64_t step = 0;
  int64_t total = 0;  // steps, at most
  std::optional<double> loss = {};
  std::optional<double> validation = {};  // the best so far of the selection metric
  std::optional<double> tokens_per_second = {};
  std::optional<double> seconds_left = {};  // of training
};

// Follows metrics.jsonl of a run's folder as it grows.
class RunFollower {
 public:
  // `metric`: the recipe's selection_metric.
  RunFollower(std::filesystem::path folder, int64_t total_steps, std::string metric);

  // What is new since the last call is read.
  RunProgress read();

 private:
  void take(std::string_view line);

  std::filesystem::path folder_;
  std::string metric_;
  LineTail lines_;
  RunProgress progress_;
  double first_seconds_ = -1, last_seconds_ = 0;  // of the lines read
  int64_t first_step_ = 0;
};

}  // namespace telora
