#include "train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.h"

namespace telora {

namespace {

int64_t ceil_div(int64_t a, int64_t b) { return a / b + (a % b != 0); }

}  // namespace

ScheduleShape parse_schedule_shape(std::string_view name) {
  if (name == "cosine") return ScheduleShape::kCosine;
  if (name == "linear") return ScheduleShape::kLinear;
  if (name == "constant") return ScheduleShape::kConstant;
  fail(ErrorKind::kConfig, {.file = "recipe", .field = "schedule"}, printable(name),
       "cosine, linear or constant");
}

double Schedule::rate(int64_t step) const {
  if (step < warmup_steps) {
    return peak *
           (static_cast<double>(step) / static_cast<double>(std::max<int64_t>(1, warmup_steps)));
  }
  const auto decay = static_cast<double>(std::max<int64_t>(1, total_steps - warmup_steps));
  const double progress = static_cast<double>(step - warmup_steps) / decay;
  double share = 1;
  if (shape == ScheduleShape::kCosine) share = 0.5 * (1 + std::cos(std::numbers::pi * progress));
  if (shape == ScheduleShape::kLinear) share = 1 - progress;
  return final_rate + (peak - final_rate) * std::max(0.0, share);
}

int64_t steps_per_epoch(int64_t rows, int64_t batch_size) { return ceil_div(rows, batch_size); }

int64_t total_steps(int64_t rows, int64_t batch_size, int64_t epochs, int64_t max_steps) {
  int64_t total = 0;
  if (__builtin_mul_overflow(steps_per_epoch(rows, batch_size), epochs, &total)) {
    fail(ErrorKind::kConfig, {.file = "recipe", .field = "epochs"}, std::to_string(epochs),
         "fewer than 2^63 updates in all");
  }
  return max_steps > 0 ? std::min(total, max_steps) : total;
}

int64_t warmup_steps(int64_t total, double ratio, int64_t minimum) {
  const auto share = static_cast<int64_t>(std::ceil(ratio * static_cast<double>(total)));
  return std::min(std::max(share, minimum), total);
}

int64_t evaluation_interval(int64_t steps_per_epoch, int64_t per_epoch) {
  return per_epoch == 0 ? 0 : std::max<int64_t>(1, ceil_div(steps_per_epoch, per_epoch));
}

}  // namespace telora
