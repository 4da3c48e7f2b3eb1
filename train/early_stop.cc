#include "train/early_stop.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace telora {

bool EarlyStop::observe(int64_t step, double value) {
  const double gain = better == Better::kHigher ? value - best : best - value;
  const bool improved = best_step < 0 ? std::isfinite(value) : gain > min_delta;
  if (improved) {
    best = value;
    best_step = step;
    bad_count = 0;
  } else {
    ++bad_count;
    stopped = stopped || (patience > 0 && bad_count >= patience);
  }
  return improved;
}

nlohmann::ordered_json to_json_value(const EarlyStop& state) {
  return {{"better", state.better == Better::kHigher ? "higher" : "lower"},
          {"min_delta", state.min_delta},
          {"patience", state.patience},
          {"best", state.best},
          {"best_step", state.best_step},
          {"bad_count", state.bad_count},
          {"stopped", state.stopped}};
}

EarlyStop read_early_stop(Fields fields) {
  EarlyStop state;
  const std::string better = fields.string("better", {"higher", "lower"});
  state.better = better == "higher" ? Better::kHigher : Better::kLower;
  state.min_delta = fields.number("min_delta", {.min = 0});
  state.patience = fields.integer("patience", {.min = 0});
  state.best = fields.number("best");
  state.best_step = fields.integer("best_step", {.min = -1});
  state.bad_count = fields.integer("bad_count", {.min = 0});
  state.stopped = fields.boolean("stopped");
  fields.finish();
  return state;
}

}  // namespace telora
