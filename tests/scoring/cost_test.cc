#include "scoring/cost.h"

#include <gtest/gtest.h>

namespace telora {
namespace {

Cost cost() {
  Cost cost;
  cost.latency_p50_seconds = 0.5;
  cost.peak_memory_bytes = 2'000'000'000;
  return cost;
}

TEST(EdgeScore, DividesByLatencyAndMemory) {
  const auto score = edge_score(0.6, 0.2, cost());
  ASSERT_TRUE(score);
  EXPECT_NEAR(score->raw, 0.6, 1e-12);
  EXPECT_NEAR(score->corrected, 0.5, 1e-12);
  EXPECT_NEAR(edge_score(0.6, 0.2, cost(), {.latency = 0, .memory = 2})->raw, 0.15, 1e-12);
}

TEST(EdgeScore, AConstantAnswerIsWorthNothing) {
  // Always A on srsRANBench: right in 75.8 %, which is what costs nothing there.
  EXPECT_EQ(edge_score(0.7583, 0.7583, cost())->corrected, 0);
  EXPECT_EQ(edge_score(0.5, 0.7583, cost())->corrected, 0);
  EXPECT_GT(edge_score(0.5, 0.7583, cost())->raw, 0);
  EXPECT_EQ(edge_score(1, 1, cost())->corrected, 0);
}

TEST(EdgeScore, NeedsWhatItDividesBy) {
  Cost none = cost();
  none.peak_memory_bytes = 0;
  EXPECT_FALSE(edge_score(0.5, 0, none));
  none = cost();
  none.latency_p50_seconds = 0;
  EXPECT_FALSE(edge_score(0.5, 0, none));
}

}  // namespace
}  // namespace telora
