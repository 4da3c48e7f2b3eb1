#include "scoring/statistics.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

#include "core/error.h"
#include "scoring/skill.h"

namespace telora {
namespace {

void expect_relative(double found, double wanted, double tolerance = 1e-9) {
  EXPECT_NEAR(found, wanted, tolerance * std::abs(wanted));
}

// Counts of published adapters; the bounds are SciPy's (binomtest), rounded.
TEST(Wilson, CountsOfPublishedAdapters) {
  const struct {
    int64_t correct, n;
    double low, high;  // percent, one decimal
  } cases[] = {{1143, 2000, 55.0, 59.3}, {1163, 2000, 56.0, 60.3}, {1129, 2000, 54.3, 58.6},
               {460, 745, 58.2, 65.2},   {209, 745, 24.9, 31.4},   {593, 745, 76.6, 82.3},
               {181, 400, 40.4, 50.1},   {120, 400, 25.7, 34.7},   {76, 400, 15.5, 23.1},
               {185, 300, 56.1, 67.0},   {135, 300, 39.5, 50.7},   {193, 300, 58.8, 69.5},
               {259, 301, 81.7, 89.5},   {236, 301, 73.4, 82.7},   {237, 301, 73.8, 83.0},
               {27, 100, 19.3, 36.4},    {12, 100, 7.0, 19.8},     {17, 100, 10.9, 25.5},
               {137, 400, 29.8, 39.0},   {167, 400, 37.0, 46.6},   {163, 400, 36.0, 45.6}};
  for (const auto& [correct, n, low, high] : cases) {
    const Interval interval = wilson(correct, n);
    EXPECT_NEAR(100 * interval.low, low, 0.0501) << correct << " of " << n;
    EXPECT_NEAR(100 * interval.high, high, 0.0501) << correct << " of " << n;
  }
}

TEST(Wilson, HalfWidths) {
  const struct {
    int64_t n;
    double at20, at50, at80;  // points
  } cases[] = {{100, 7.8, 9.6, 7.8}, {150, 6.4, 7.9, 6.4}, {300, 4.5, 5.6, 4.5},
               {400, 3.9, 4.9, 3.9}, {745, 2.9, 3.6, 2.9}, {2000, 1.8, 2.2, 1.8}};
  const auto half = [](int64_t n, double share) {
    const Interval interval = wilson(std::llround(share * static_cast<double>(n)), n);
    return 50 * (interval.high - interval.low);
  };
  for (const auto& [n, at20, at50, at80] : cases) {
    EXPECT_NEAR(half(n, 0.2), at20, 0.0501) << n;
    EXPECT_NEAR(half(n, 0.5), at50, 0.0501) << n;
    EXPECT_NEAR(half(n, 0.8), at80, 0.0501) << n;
  }
}

TEST(Wilson, EqualsSciPy) {
  expect_relative(wilson(27, 100).low, 0.19269584149576344, 1e-7);
  expect_relative(wilson(27, 100).high, 0.36432116767945, 1e-7);
  EXPECT_EQ(wilson(0, 10).low, 0);
  expect_relative(wilson(0, 10).high, 0.27753279986288926, 1e-7);
  EXPECT_EQ(wilson(10, 10).high, 1);
  EXPECT_EQ(wilson(0, 0).low, 0);
  EXPECT_EQ(wilson(0, 0).high, 1);
}

TEST(Newcombe, ExampleOfThePaper) {
  const Interval interval = newcombe(56, 70, 48, 80);
  EXPECT_NEAR(interval.low, 0.0524, 5e-5);
  EXPECT_NEAR(interval.high, 0.3339, 5e-5);
  EXPECT_EQ(newcombe(0, 0, 1, 2).low, -1);
}

TEST(StandardError, DividesByNMinusOne) {
  expect_relative(standard_error(27, 100), 0.04461960433384738);
  EXPECT_TRUE(std::isnan(standard_error(1, 1)));
  EXPECT_EQ(standard_error(5, 5), 0);
}

TEST(Binomial, EqualsSciPy) {
  const struct {
    int64_t k, n;
    double p, two_sided, at_least, at_most;
  } cases[] = {{236, 301, .7583, 0.31315024613374365, 0.16454507944927246, 0.8673759225065877},
               {237, 301, .7583, 0.25285474165906385, 0.13262407749341235, 0.8948425875305889},
               {259, 301, .7583, 1.4801829283353164e-05, 8.330106868328912e-06, 0.9999958858533777},
               {209, 745, .315, 0.04424844645435116, 0.9813118243266871, 0.022694210730851063},
               {12, 100, .2, 0.045348959953569634, 0.9874251236518782, 0.02532875322139711},
               {3, 10, .5, 0.34375, 0.9453125, 0.171875},
               {0, 20, .1, 0.25452997802490435, 1.0, 0.12157665459056925},
               {20, 20, .9, 0.25452997802490435, 0.12157665459056931, 1.0},
               {593, 745, .4295, 4.981507906324041e-93, 4.413720653816641e-93, 1.0},
               {7, 20, .3, 0.6294979666766769, 0.3919901877990756, 0.7722717974181608}};
  for (const auto& [k, n, p, two_sided, at_least, at_most] : cases) {
    expect_relative(binomial_two_sided(k, n, p), two_sided);
    expect_relative(binomial_at_least(k, n, p), at_least);
    expect_relative(binomial_at_most(k, n, p), at_most);
  }
  expect_relative(binomial_point(5000, 10000, 0.5), 0.007978646139382158);
  expect_relative(binomial_at_least(3000, 10000, 0.29), 0.01437019352923901);
}

TEST(Binomial, CertainAndImpossible) {
  EXPECT_EQ(binomial_point(0, 5, 0), 1);
  EXPECT_EQ(binomial_point(1, 5, 0), 0);
  EXPECT_EQ(binomial_point(5, 5, 1), 1);
  EXPECT_EQ(binomial_at_least(0, 5, 0.3), 1);
  EXPECT_EQ(binomial_at_most(5, 5, 0.3), 1);
  EXPECT_EQ(binomial_at_least(6, 5, 0.3), 0);
  EXPECT_EQ(binomial_at_most(-1, 5, 0.3), 0);
}

TEST(McNemar, EqualsSciPy) {
  const struct {
    int64_t only_first, only_second;
    double exact, mid;
  } cases[] = {{18, 380, 2.158480864199332e-89, 1.1300823688616679e-89},
               {5, 12, 0.143463134765625, 0.09625244140624994},
               {0, 6, 0.03125, 0.015625},
               {1, 0, 1, 0.5},
               {7, 7, 1, 1},
               {0, 0, 1, 1},
               {30, 51, 0.02565435797169624, 0.019826915845841554}};
  for (const auto& [first, second, exact, mid] : cases) {
    const McNemar test = mcnemar({first, second, 500});
    expect_relative(test.exact, exact);
    expect_relative(test.mid, mid);
    EXPECT_EQ(mcnemar({second, first, 500}).exact, test.exact);
  }
}

// Table 6.2 of Altman, Machin, Bryant and Gardner, Statistics with Confidence (2000).
TEST(PairedInterval, ExampleOfTheBook) {
  const Interval interval =
      paired_interval({.only_first = 0, .only_second = 5, .n = 41, .both = 14});
  EXPECT_NEAR(interval.low, 0.011, 5e-4);
  EXPECT_NEAR(interval.high, 0.226, 5e-4);
}

TEST(PairedInterval, SignAndSymmetry) {
  const Interval forth = paired_interval({.only_first = 3, .only_second = 9, .n = 60, .both = 30});
  const Interval back = paired_interval({.only_first = 9, .only_second = 3, .n = 60, .both = 30});
  EXPECT_DOUBLE_EQ(forth.low, -back.high);
  EXPECT_DOUBLE_EQ(forth.high, -back.low);
  EXPECT_GT(forth.high, 0.1);
  EXPECT_EQ(paired_interval({}).low, -1);
  const Interval always = paired_interval({.n = 10, .both = 10});  // one margin never varies
  EXPECT_LT(always.low, 0);
  EXPECT_DOUBLE_EQ(always.low, -always.high);
}

TEST(ItemsToTell, FormulaAndLimits) {
  // (1.959964 sqrt(0.3) + 0.841621 sqrt(0.3 - 0.01))^2 / 0.01 = 233.02
  EXPECT_EQ(items_to_tell({.only_first = 10, .only_second = 20, .n = 100}), 234);
  EXPECT_EQ(items_to_tell({.only_first = 20, .only_second = 10, .n = 100}), 234);
  EXPECT_EQ(items_to_tell({.only_first = 20, .only_second = 20, .n = 100}), 0);
  EXPECT_EQ(items_to_tell({}), 0);
  const PairedCounts counts{.only_first = 10, .only_second = 20, .n = 100};
  EXPECT_GT(items_to_tell(counts, 0.01), items_to_tell(counts));
  EXPECT_GT(items_to_tell(counts, 0.05, 0.9), items_to_tell(counts));
}

TEST(Holm, ByHand) {
  const std::array<double, 4> p = {0.01, 0.04, 0.03, 0.005};
  const std::vector<double> adjusted = holm(p);
  const std::array<double, 4> wanted = {0.03, 0.06, 0.06, 0.02};
  for (size_t i = 0; i < p.size(); ++i) EXPECT_NEAR(adjusted[i], wanted[i], 1e-15) << i;
  EXPECT_TRUE(holm({}).empty());
  EXPECT_EQ(holm(std::array<double, 2>{0.7, 0.8})[0], 1);
}

TEST(NormalQuantile, EqualsSciPy) {
  EXPECT_EQ(normal_quantile(0.5), 0);
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-14);
  EXPECT_NEAR(normal_quantile(0.8), 0.8416212335729143, 1e-14);
  EXPECT_NEAR(normal_quantile(1e-10), -6.361340902404056, 1e-12);
  EXPECT_TRUE(std::isinf(normal_quantile(0)) && std::isinf(normal_quantile(1)));
}

TEST(Skill, OverWhatIsFree) {
  EXPECT_DOUBLE_EQ(skill(0.88, 0.76), 0.5);
  EXPECT_DOUBLE_EQ(skill(0.76, 0.76), 0);
  EXPECT_LT(skill(0.7, 0.76), 0);
  EXPECT_TRUE(std::isnan(skill(1, 1)));
}

}  // namespace
}  // namespace telora
