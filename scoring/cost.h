#pragma once

#include <cstdint>
#include <optional>

namespace telora {

// What one subject costs on the machine that it was measured on. What was not measured is empty.
struct Cost {
  int64_t queries = 0;             // single questions, one at a time, after one to warm up
  double latency_p50_seconds = 0;  // prompt to complete answer
  double latency_p95_seconds = 0;
  std::optional<double> first_token_seconds = std::nullopt;
  std::optional<double> tokens_per_second = std::nullopt;  // generated, after the first token
  int64_t peak_memory_bytes = 0;
  int64_t weights_bytes = 0;
  int64_t adapter_bytes = 0;                              // 0: none attached
  std::optional<int64_t> cache_bytes = std::nullopt;      // keys and values at the used length
  std::optional<double> swap_seconds = std::nullopt;      // taking on another adapter
  std::optional<double> joules_per_query = std::nullopt;  // needs a counter of the machine
};

// Exponents of latency and memory; 1 and 1 is the published quotient.
struct EdgeExponents {
  double latency = 1;
  double memory = 1;
};

struct EdgeScore {
  double raw = 0;  // A / (L^a · M^b), L the median latency in s, M the peak memory in 10^9 bytes
  double corrected = 0;  // the same with max(0, (A − A₀) / (1 − A₀)) for A: a constant answer has 0
};

// Nothing where latency or memory was not measured. `free` is A₀, what costs nothing; at 1 nothing
// is left to gain and the corrected score is 0.
std::optional<EdgeScore> edge_score(double accuracy, double free, const Cost& cost,
                                    const EdgeExponents& exponents = {});

}  // namespace telora
