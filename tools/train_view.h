#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tools/console.h"
#include "train/run.h"

namespace telora {

// What a person sees of one or several runs while they train: one line of progress for all, a line
// for each evaluation. The watchers must not outlive it.
class TrainView {
 public:
  TrainView(Console& console, const std::vector<RunRequest>& requests);
  TrainView(const TrainView&) = delete;

  // One for each run.
  std::vector<RunWatcher> watchers();

 private:
  using Header = std::vector<std::pair<std::string, std::string>>;
  bool several() const { return names_.size() > 1; }
  std::string named(const std::string& stage, size_t run) const;
  void header(size_t run, const Header& lines);
  void step(size_t run, const StepRecord& record, int64_t total);
  void evaluation(size_t run, const EvaluationRecord& record);

  Console& console_;
  std::vector<std::string> names_;
  std::vector<int64_t> done_, totals_;  // steps of each run
  std::set<std::string> data_shown_;
};

// Names for the lines of several runs: those of their folders.
std::vector<std::string> run_names(const std::vector<RunRequest>& requests);

}  // namespace telora
