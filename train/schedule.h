#pragma once

#include <cstdint>
#include <string_view>

namespace telora {

enum class ScheduleShape { kCosine, kLinear, kConstant };

// "cosine", "linear" or "constant". Throws Error(config) for anything else.
ScheduleShape parse_schedule_shape(std::string_view name);

// The learning rate over one run. Steps are optimiser updates, counted from 0.
struct Schedule {
  ScheduleShape shape = ScheduleShape::kCosine;
  double peak = 0;           // rate at the end of the warm-up
  double final_rate = 0;     // rate after the last update
  int64_t warmup_steps = 0;  // updates of linear growth from 0
  int64_t total_steps = 0;   // updates of the whole run

  // Rate of update `step` in [0, total_steps). With w = warmup_steps and n = total_steps:
  //   step < w:  peak · step / max(1, w)
  //   else, progress p = (step − w) / max(1, n − w):
  //     cosine:   final + (peak − final) · max(0, (1 + cos(π p)) / 2)
  //     linear:   final + (peak − final) · max(0, 1 − p)
  //     constant: peak
  // For final = 0 these are get_cosine_schedule_with_warmup (half a cycle) and
  // get_linear_schedule_with_warmup of Hugging Face transformers.
  double rate(int64_t step) const;
};

// Updates in one pass over `rows`: ceil(rows / batch_size), the last batch being smaller.
int64_t steps_per_epoch(int64_t rows, int64_t batch_size);

// epochs · steps_per_epoch, or max_steps where that is above 0 and smaller. Throws Error(config) if
// the product leaves int64.
int64_t total_steps(int64_t rows, int64_t batch_size, int64_t epochs, int64_t max_steps);

// max(minimum, ceil(ratio · total)), never above `total`.
int64_t warmup_steps(int64_t total, double ratio, int64_t minimum);

// Updates between two evaluations: ceil(steps_per_epoch / per_epoch), at least 1; 0 (never) for
// per_epoch 0.
int64_t evaluation_interval(int64_t steps_per_epoch, int64_t per_epoch);

}  // namespace telora
