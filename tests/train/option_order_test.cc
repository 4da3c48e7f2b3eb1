#include "train/option_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace telora {
namespace {

using testing::UnorderedElementsAre;

TEST(OptionOrder, EveryOrderComesOnceBeforeAnyComesAgain) {
  for (size_t row = 0; row < 20; ++row) {
    for (const int64_t begin : {0, 4, 8}) {
      std::vector<size_t> seen;
      for (int64_t epoch = begin; epoch < begin + 4; ++epoch)
        seen.push_back(option_order(42, row, epoch, 4));
      EXPECT_THAT(seen, UnorderedElementsAre(0, 1, 2, 3));
    }
  }
}

TEST(OptionOrder, RowsSeedsAndCyclesDiffer) {
  std::set<std::vector<size_t>> orders;
  const auto order = [](uint64_t seed, size_t row, int64_t begin) {
    std::vector<size_t> all;
    for (int64_t epoch = begin; epoch < begin + 8; ++epoch)
      all.push_back(option_order(seed, row, epoch, 8));
    return all;
  };
  for (const uint64_t seed : {1, 2}) {
    for (const size_t row : {0, 1, 2}) {
      for (const int64_t cycle : {0, 8}) orders.insert(order(seed, row, cycle));
    }
  }
  EXPECT_EQ(orders.size(), 12U);
  EXPECT_EQ(order(1, 2, 8), order(1, 2, 8));
}

// In the first epoch every place is as likely: a skewed file is not skewed any more.
TEST(OptionOrder, FirstOrdersAreEven) {
  std::vector<int> counts(4);
  for (size_t row = 0; row < 4000; ++row) ++counts[option_order(42, row, 0, 4)];
  for (const int count : counts) EXPECT_NEAR(count, 1000, 130);  // about 4.7 standard deviations
}

TEST(OptionOrder, OneOrderIsTheOnlyOne) {
  EXPECT_EQ(option_order(42, 3, 5, 1), 0U);
  EXPECT_EQ(option_order(42, 3, 5, 0), 0U);
}

}  // namespace
}  // namespace telora
