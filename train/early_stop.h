#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>

#include "core/document.h"

namespace telora {

enum class Better { kHigher, kLower };

// Watches one validation figure. Everything it knows is in these fields, so a checkpoint that holds
// to_json() resumes exactly.
struct EarlyStop {
  Better better = Better::kHigher;
  double min_delta = 0;    // an improvement must exceed this
  int64_t patience = 0;    // evaluations without improvement before stopping; 0 = never stop
  double best = 0;         // meaningless while best_step < 0
  int64_t best_step = -1;  // step of the best evaluation; -1 = none yet
  int64_t bad_count = 0;   // evaluations since the best one
  bool stopped = false;

  // Takes in the figure of one evaluation; true if it is the new best. NaN never improves.
  bool observe(int64_t step, double value);

  bool operator==(const EarlyStop&) const = default;
};

nlohmann::ordered_json to_json_value(const EarlyStop& state);
// Throws Error naming the field that is missing or makes no sense.
EarlyStop read_early_stop(Fields fields);

}  // namespace telora
