#include "scoring/resampling.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "core/error.h"

namespace telora {
namespace {

using Names = std::vector<std::string>;
using Values = std::vector<double>;

const Values kMarks = {1, 0, 1, 1, 0, 0, 1, 0, 1, 1};

TEST(ClusteredStandardError, OfSingleRowsIsTheUsualOne) {
  EXPECT_NEAR(clustered_standard_error(kMarks, {}), standard_error(6, 10), 1e-15);
}

TEST(ClusteredStandardError, ByHand) {
  // mean 0.5; sums of deviations by cluster 1, -1, 0: sqrt(3/2 * 2) / 6
  const Names clusters = {"a", "a", "b", "b", "c", "c"};
  EXPECT_NEAR(clustered_standard_error(Values{1, 1, 0, 0, 1, 0}, clusters), std::sqrt(3.0) / 6,
              1e-15);
}

TEST(ClusteredStandardError, RepeatedRowsAddNothing) {
  Values twice;
  Names clusters;
  for (size_t i = 0; i < kMarks.size(); ++i) {
    for (int copy = 0; copy < 2; ++copy) {
      twice.push_back(kMarks[i]);
      clusters.push_back(std::to_string(i));
    }
  }
  EXPECT_NEAR(clustered_standard_error(twice, clusters), clustered_standard_error(kMarks, {}),
              1e-15);
}

TEST(ClusteredStandardError, NeedsTwoClusters) {
  EXPECT_TRUE(std::isnan(clustered_standard_error(Values{1, 0}, Names{"a", "a"})));
  EXPECT_TRUE(std::isnan(clustered_standard_error({}, {})));
  EXPECT_THROW(clustered_standard_error(kMarks, Names{"a"}), Error);
}

TEST(Bootstrap, TheSameSeedGivesTheSameNumbers) {
  const Interval first = mean_bootstrap(kMarks, {}, {});
  const Interval again = mean_bootstrap(kMarks, {}, {});
  EXPECT_EQ(first.low, again.low);
  EXPECT_EQ(first.high, again.high);
  const Values many(1000, 0.25);
  EXPECT_EQ(mean_bootstrap(many, {}, {}).low, 0.25);
}

TEST(Bootstrap, QuantilesOfTheBinomial) {
  // The mean of a resample of 10 marks, 6 of them 1, is binomial(10, 0.6) / 10.
  const Interval interval = mean_bootstrap(kMarks, {}, {});
  EXPECT_NEAR(interval.low, 0.3, 1e-12);
  EXPECT_NEAR(interval.high, 0.9, 1e-12);
}

TEST(Bootstrap, IsNearTheNormalInterval) {
  Values marks;
  for (int i = 0; i < 1000; ++i) marks.push_back(i < 600 ? 1 : 0);
  const double error = standard_error(600, 1000);
  const Interval interval = mean_bootstrap(marks, {}, {});
  EXPECT_NEAR(interval.low, 0.6 - kZ95 * error, 0.002);
  EXPECT_NEAR(interval.high, 0.6 + kZ95 * error, 0.002);
  const Interval other = mean_bootstrap(marks, {}, {.seed = 7});
  EXPECT_NEAR(other.low, interval.low, 0.003);
}

TEST(Bootstrap, WholeClustersAreDrawn) {
  // Two clusters, all right or all wrong: a mean of 0, 1/2 or 1, each end with probability 1/4.
  const Values marks = {1, 1, 1, 0, 0, 0};
  const Names clusters = {"a", "a", "a", "b", "b", "b"};
  const Interval interval = mean_bootstrap(marks, clusters, {});
  EXPECT_EQ(interval.low, 0);
  EXPECT_EQ(interval.high, 1);
  EXPECT_THROW(mean_bootstrap(marks, Names{"a"}, {}), Error);
}

TEST(Bootstrap, NamesAndOrderOfClustersDoNotMatterToTheirMeans) {
  const Values marks = {1, 0, 1, 1, 0, 0};
  const Interval one = mean_bootstrap(marks, Names{"a", "b", "a", "c", "b", "c"}, {});
  const Interval two = mean_bootstrap(marks, Names{"x", "y", "x", "z", "y", "z"}, {});
  EXPECT_EQ(one.low, two.low);
  EXPECT_EQ(one.high, two.high);
}

TEST(Bootstrap, PairedIsTheMeanOfDifferences) {
  const Values differences = {1, 0, 0, -1, 1, 1, 0, 0};
  const Interval paired = paired_bootstrap(differences, {}, {});
  const Interval mean = mean_bootstrap(differences, {}, {});
  EXPECT_EQ(paired.low, mean.low);
  EXPECT_EQ(paired.high, mean.high);
}

TEST(MacroAverage, WeighsCategoriesAlike) {
  const Values large(100, 1), small = {0, 0};
  const std::array<CategoryValues, 2> both = {CategoryValues{large}, CategoryValues{small}};
  EXPECT_EQ(macro_average(both), 0.5);
  const Interval interval = macro_bootstrap(both, {});
  EXPECT_EQ(interval.low, 0.5);
  EXPECT_EQ(interval.high, 0.5);
  EXPECT_TRUE(std::isnan(macro_average({})));
  EXPECT_TRUE(std::isnan(macro_bootstrap({}, {}).low));
}

TEST(MacroAverage, CategoriesAreResampledIndependently) {
  // Two equal categories drawn alike would have the interval of one; independent ones a narrower.
  const std::array<CategoryValues, 2> both = {CategoryValues{kMarks}, CategoryValues{kMarks}};
  const Interval two = macro_bootstrap(both, {});
  const Interval one = mean_bootstrap(kMarks, {}, {});
  EXPECT_LT(two.high - two.low, one.high - one.low);
}

}  // namespace
}  // namespace telora
