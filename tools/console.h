#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace telora {

// Where a long piece of work stands. What is not set is not shown.
struct Progress {
  std::string stage = {};  // "train", "evaluate": printable ASCII
  int64_t step = 0;
  int64_t total = 0;
  std::string item = {};  // what this step was made for, where the stage serves several
  std::optional<double> loss = std::nullopt;
  std::optional<double> lr = std::nullopt;
  std::optional<double> tokens_per_second = std::nullopt;
  std::optional<double> seconds_left = std::nullopt;  // set by Console
};

// One line of at most `columns` columns: what matters least is left out first, and a bar takes the
// room that is left. Columns below 1 give an empty text.
std::string progress_line(const Progress& progress, int columns);

// The same as a line of a log: everything, no bar.
std::string progress_text(const Progress& progress);

// "45s", "3m12s", "2h05m", "3d04h".
std::string duration_text(double seconds);

// What a person watches, on stderr, so that stdout holds results only. On a terminal the progress
// is one line redrawn in place, at most ten times a second; elsewhere it is a line every
// `interval`.
class Console {
 public:
  struct Options {
    bool quiet = false;                 // nothing at all
    std::chrono::seconds interval{10};  // between lines where there is no terminal
    std::FILE* out = stderr;
  };

  explicit Console(Options options);
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  // Aligned `key: value` lines.
  void header(const std::vector<std::pair<std::string, std::string>>& lines);
  // A line of its own, above the progress. Printed as it is given.
  void line(const std::string& text);
  void progress(Progress progress);
  // Ends the progress of a stage: its last state stays as a line.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;
  struct Stage {
    Progress latest;
    Clock::time_point began;  // of the first call
    int64_t first_step = 0;   // of the first call: a resumed run does not begin at 0
    Clock::time_point shown;
    bool was_shown = false;
    bool latest_shown = false;
  };

  void write(const std::string& text);
  void show();
  void erase();

  Options options_;
  bool terminal_;
  std::optional<Stage> stage_;
};

}  // namespace telora
