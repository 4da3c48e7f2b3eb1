#include "scoring/sampling.h"

#include <fmt/format.h>

#include <cmath>

#include "core/error.h"

namespace telora {

void check_sampling(const Sampling& sampling) {
  if (!(sampling.temperature >= 0) || !std::isfinite(sampling.temperature)) {
    fail(ErrorKind::kUsage, {"--temperature", ""}, fmt::format("{}", sampling.temperature),
         "0 (greedy) or more");
  }
  if (!(sampling.top_p > 0 && sampling.top_p <= 1)) {
    fail(ErrorKind::kUsage, {"--top-p", ""}, fmt::format("{}", sampling.top_p),
         "more than 0, at most 1");
  }
}

}  // namespace telora
