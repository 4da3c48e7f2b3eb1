#include "train/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "core/error.h"

namespace telora {
namespace {

Schedule cosine() {
  return {.shape = ScheduleShape::kCosine, .peak = 5e-4, .warmup_steps = 10, .total_steps = 110};
}

TEST(Schedule, WarmsUpLinearlyFromZero) {
  const Schedule schedule = cosine();
  EXPECT_EQ(schedule.rate(0), 0);
  EXPECT_DOUBLE_EQ(schedule.rate(1), 5e-5);
  EXPECT_DOUBLE_EQ(schedule.rate(9), 4.5e-4);
  EXPECT_DOUBLE_EQ(schedule.rate(10), 5e-4);
}

TEST(Schedule, CosineIsHalfAtTheMiddleAndZeroAtTheEnd) {
  const Schedule schedule = cosine();
  EXPECT_DOUBLE_EQ(schedule.rate(60), 2.5e-4);
  EXPECT_NEAR(schedule.rate(110), 0, 1e-19);
  // 5e-4 · (1 + cos(π / 4)) / 2
  EXPECT_NEAR(schedule.rate(35), 4.267766952966369e-4, 1e-18);
}

TEST(Schedule, EndsOnTheFinalRate) {
  Schedule schedule = cosine();
  schedule.final_rate = 1e-4;
  EXPECT_DOUBLE_EQ(schedule.rate(60), 3e-4);
  EXPECT_DOUBLE_EQ(schedule.rate(110), 1e-4);
}

TEST(Schedule, LinearAndConstant) {
  Schedule schedule = cosine();
  schedule.shape = ScheduleShape::kLinear;
  EXPECT_DOUBLE_EQ(schedule.rate(35), 3.75e-4);
  schedule.shape = ScheduleShape::kConstant;
  EXPECT_DOUBLE_EQ(schedule.rate(35), 5e-4);
  EXPECT_DOUBLE_EQ(schedule.rate(5), 2.5e-4);
}

TEST(Schedule, WithoutWarmupStartsAtThePeak) {
  Schedule schedule = cosine();
  schedule.warmup_steps = 0;
  EXPECT_DOUBLE_EQ(schedule.rate(0), 5e-4);
}

TEST(Schedule, NeverNegative) {
  Schedule schedule = cosine();
  schedule.shape = ScheduleShape::kLinear;
  for (int64_t step = 0; step < 200; ++step) EXPECT_GE(schedule.rate(step), 0) << step;
}

TEST(Schedule, CountsSteps) {
  EXPECT_EQ(steps_per_epoch(300, 16), 19);
  EXPECT_EQ(steps_per_epoch(320, 16), 20);
  // Steps at batch 16 of the six categories under their numbers of epochs.
  EXPECT_EQ(total_steps(6000, 16, 3, 0), 1125);
  EXPECT_EQ(total_steps(2233, 16, 3, 0), 420);
  EXPECT_EQ(total_steps(1200, 16, 5, 0), 375);
  EXPECT_EQ(total_steps(900, 16, 5, 0), 285);
  EXPECT_EQ(total_steps(300, 16, 8, 0), 152);
  EXPECT_EQ(total_steps(300, 16, 8, 100), 100);
  EXPECT_EQ(total_steps(300, 16, 8, 1000), 152);
  EXPECT_THROW(total_steps(INT64_MAX, 1, 3, 0), Error);
}

TEST(Schedule, WarmupHasAFloorAndFitsTheRun) {
  EXPECT_EQ(warmup_steps(1125, 0.03, 10), 34);
  EXPECT_EQ(warmup_steps(152, 0.03, 10), 10);
  EXPECT_EQ(warmup_steps(4, 0.03, 10), 4);
  EXPECT_EQ(warmup_steps(100, 0, 0), 0);
}

TEST(Schedule, EvaluationInterval) {
  EXPECT_EQ(evaluation_interval(140, 4), 35);
  EXPECT_EQ(evaluation_interval(19, 4), 5);
  EXPECT_EQ(evaluation_interval(2, 4), 1);
  EXPECT_EQ(evaluation_interval(2, 0), 0);
}

TEST(Schedule, ParsesItsName) {
  EXPECT_EQ(parse_schedule_shape("linear"), ScheduleShape::kLinear);
  EXPECT_THROW(parse_schedule_shape("cos"), Error);
}

}  // namespace
}  // namespace telora
