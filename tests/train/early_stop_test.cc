#include "train/early_stop.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.h"

namespace telora {
namespace {

TEST(EarlyStop, HigherIsBetter) {
  EarlyStop stop{.better = Better::kHigher, .patience = 2};
  EXPECT_TRUE(stop.observe(10, 0.3));
  EXPECT_TRUE(stop.observe(20, 0.4));
  EXPECT_FALSE(stop.observe(30, 0.4));
  EXPECT_FALSE(stop.stopped);
  EXPECT_FALSE(stop.observe(40, 0.39));
  EXPECT_TRUE(stop.stopped);
  EXPECT_EQ(stop.best, 0.4);
  EXPECT_EQ(stop.best_step, 20);
}

TEST(EarlyStop, LowerIsBetterAndAnImprovementResetsTheCount) {
  EarlyStop stop{.better = Better::kLower, .patience = 2};
  EXPECT_TRUE(stop.observe(10, 2.0));
  EXPECT_FALSE(stop.observe(20, 2.5));
  EXPECT_TRUE(stop.observe(30, 1.5));
  EXPECT_EQ(stop.bad_count, 0);
  EXPECT_FALSE(stop.observe(40, 1.6));
  EXPECT_FALSE(stop.stopped);
}

TEST(EarlyStop, FirstFigureIsTheBestWhateverItIs) {
  EarlyStop higher{.better = Better::kHigher};
  EXPECT_TRUE(higher.observe(1, -5));
  EarlyStop lower{.better = Better::kLower, .min_delta = 1};
  EXPECT_TRUE(lower.observe(1, 1e9));
}

TEST(EarlyStop, GainMustExceedMinDelta) {
  EarlyStop stop{.better = Better::kHigher, .min_delta = 0.125, .patience = 1};
  EXPECT_TRUE(stop.observe(1, 0.5));
  EXPECT_FALSE(stop.observe(2, 0.625));
  EXPECT_TRUE(stop.stopped);
}

TEST(EarlyStop, NanIsNoImprovement) {
  EarlyStop stop{.better = Better::kLower, .patience = 2};
  EXPECT_FALSE(stop.observe(1, NAN));
  EXPECT_EQ(stop.best_step, -1);
  EXPECT_TRUE(stop.observe(2, 3.0));
  EXPECT_FALSE(stop.observe(3, NAN));
}

TEST(EarlyStop, PatienceZeroNeverStops) {
  EarlyStop stop{.better = Better::kHigher, .patience = 0};
  stop.observe(0, 1);
  for (int64_t step = 1; step < 50; ++step) stop.observe(step, 0);
  EXPECT_FALSE(stop.stopped);
  EXPECT_EQ(stop.bad_count, 49);
}

EarlyStop read_back(const EarlyStop& state) {
  const std::string text = to_json(to_json_value(state));
  return read_early_stop(Fields(Document::parse_json(text, "state.json")));
}

TEST(EarlyStop, SurvivesJson) {
  EarlyStop stop{.better = Better::kLower, .min_delta = 0.1, .patience = 3};
  EXPECT_EQ(read_back(stop), stop);
  stop.observe(7, 1.0 / 3);
  stop.observe(9, 2);
  EXPECT_EQ(read_back(stop), stop);
}

TEST(EarlyStop, RefusesUnknownAndMissingFields) {
  nlohmann::ordered_json value = to_json_value(EarlyStop{});
  value["bad_cout"] = 1;
  EXPECT_THROW(read_early_stop(Fields(Document::parse_json(value.dump(), "state.json"))), Error);
  value = to_json_value(EarlyStop{});
  value.erase("best");
  EXPECT_THROW(read_early_stop(Fields(Document::parse_json(value.dump(), "state.json"))), Error);
}

}  // namespace
}  // namespace telora
