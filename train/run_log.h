#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

namespace telora {

// One optimiser step. Tokens are real ones, padding is never counted.
struct StepRecord {
  int64_t step = 0;          // 1-based: updates done
  double epoch = 0;          // passes over the training rows done
  double loss = 0;           // mean over the step's counted tokens, nats
  double lr = 0;             // learning rate of this update
  double grad_norm = 0;      // L2 norm before clipping
  int64_t tokens = 0;        // of this step
  int64_t tokens_total = 0;  // of the run so far
  double seconds = 0;        // since the run began, earlier sessions included
  double tokens_per_second = 0;
};

// One evaluation of a part of the data after `step` updates.
struct EvaluationRecord {
  int64_t step = 0;
  double epoch = 0;
  std::string split = {};  // "validation"
  int64_t n = 0;           // rows
  double loss = 0;         // mean over the counted tokens, nats
  std::optional<double> selection_accuracy = std::nullopt;
  // Mean of the accuracy on the rows of each right answer: a constant answer has 1 / answers.
  std::optional<double> balanced_accuracy = std::nullopt;
  // Selection accuracy on questions with their options moved; then it stands alone, and the loss is
  // that of the moved questions too.
  std::optional<double> rotated_accuracy = std::nullopt;
  bool best = false;   // the best so far by the recipe's metric
  double seconds = 0;  // since the run began
};

// metrics.jsonl: one object a line, flushed as it is written. The last keys of a line are timings;
// all before them is a function of the recipe and the data. A figure that is not finite is null.
class RunLog {
 public:
  // Keeps the lines of an earlier session up to and including `keep_through_step` (0: none) and
  // drops the rest, which the resumed run writes anew; a last line cut short by a crash is dropped
  // too. Throws Error(data) for a line that is no record, Error(cannot_create|io) if it cannot be
  // written.
  static RunLog open(const std::filesystem::path& path, int64_t keep_through_step);
  RunLog(RunLog&& other) noexcept;
  RunLog& operator=(RunLog&&) = delete;
  ~RunLog();

  // Both throw Error(io), on a full disk for one.
  void write(const StepRecord& record);
  void write(const EvaluationRecord& record);

 private:
  RunLog(int descriptor, std::string name) : descriptor_(descriptor), name_(std::move(name)) {}
  void append(std::string line);

  int descriptor_;
  std::string name_;
};

}  // namespace telora
