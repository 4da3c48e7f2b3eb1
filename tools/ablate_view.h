#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "ablate/follow.h"
#include "ablate/sweep_folder.h"

namespace telora {

// One line about a run, at most `columns` columns.
std::string run_line(const std::string& name, const RunProgress& progress, size_t name_width,
                     int columns);

// What a person sees of a sweep: on a terminal a line a run, redrawn in place (as many as there is
// room for, those that are training first); elsewhere a line when a run begins, improves and ends.
class AblateView {
 public:
  AblateView(const SweepFolder& folder, const std::vector<PlannedRun>& runs,
             const std::vector<int64_t>& steps, bool quiet);
  ~AblateView();
  AblateView(const AblateView&) = delete;
  AblateView& operator=(const AblateView&) = delete;

  void update();  // from the runs' folders; on a terminal at most four times a second

 private:
  using Clock = std::chrono::steady_clock;
  void draw(const std::vector<RunProgress>& now);
  void log(size_t run, const RunProgress& now);

  std::vector<std::string> names_;
  std::vector<RunFollower> followers_;
  std::vector<RunProgress> shown_;
  bool quiet_, terminal_;
  size_t name_width_ = 0;
  int lines_ = 0;  // on the screen
  Clock::time_point drawn_ = {};
};

}  // namespace telora
