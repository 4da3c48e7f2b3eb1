#include "scoring/cost_text.h"

#include <fmt/format.h>

#include <optional>

namespace telora {

namespace {

std::string seconds_text(double seconds) { return fmt::format("{:.3f} s", seconds); }

std::string bytes_text(int64_t bytes) {
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

std::string rate_text(double rate) { return fmt::format("{:.1f}", rate); }

std::string energy_text(double joules) { return fmt::format("{:.2f} J", joules); }

template <typename T>
std::string measured(const std::optional<T>& value, std::string (*text)(T)) {
  return value ? text(*value) : "not measured";
}

}  // namespace

std::vector<CostEntry> cost_entries(const Report& report, const Subject& subject) {
  const Cost& c = subject.cost.value();
  const std::optional<EdgeScore> edge = edge_score_of(report, subject);
  const auto score = [&](double EdgeScore::*kind) {
    return edge ? fmt::format("{:.3f}", (*edge).*kind) : "–";
  };
  return {{"latency, median", seconds_text(c.latency_p50_seconds)},
          {"latency, 95 %", seconds_text(c.latency_p95_seconds)},
          {"first token", measured(c.first_token_seconds, seconds_text)},
          {"tokens/s", measured(c.tokens_per_second, rate_text)},
          {"peak memory", bytes_text(c.peak_memory_bytes)},
          {"weights", bytes_text(c.weights_bytes)},
          {"adapter", bytes_text(c.adapter_bytes)},
          {"cache", measured(c.cache_bytes, bytes_text)},
          {"swap", measured(c.swap_seconds, seconds_text)},
          {"energy a query", measured(c.joules_per_query, energy_text)},
          {"Edge Score", score(&EdgeScore::raw)},
          {"over what costs nothing", score(&EdgeScore::corrected)}};
}

}  // namespace telora
