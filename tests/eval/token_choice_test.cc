#include "eval/token_choice.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <vector>

#include "core/error.h"

namespace telora {
namespace {

const std::vector<float> kLogits = {1.0F, 3.0F, 2.0F, 3.0F, -50.0F};

std::map<int32_t, int> draws(const Sampling& sampling, int count) {
  RandomStream random = item_stream(42, "test");
  std::map<int32_t, int> seen;
  for (int i = 0; i < count; ++i) ++seen[choose_token(kLogits, sampling, random)];
  return seen;
}

TEST(Sampling, TemperatureZeroTakesTheFirstOfTheGreatest) {
  EXPECT_EQ(draws({}, 20), (std::map<int32_t, int>{{1, 20}}));
}

TEST(Sampling, DrawsFollowTheSoftmaxOfLogitsOverTemperature) {
  constexpr int kDraws = 40'000;
  for (const double temperature : {0.5, 1.0, 2.0}) {
    double total = 0;
    for (const float logit : kLogits) total += std::exp(logit / temperature);
    std::map<int32_t, int> seen = draws({.temperature = temperature, .top_p = 1}, kDraws);
    for (size_t id = 0; id < kLogits.size(); ++id) {
      const double p = std::exp(kLogits[id] / temperature) / total;
      const double four_sigma = 4 * std::sqrt(kDraws * p * (1 - p)) + 1;
      EXPECT_NEAR(seen[static_cast<int32_t>(id)], kDraws * p, four_sigma) << temperature;
    }
  }
}

// Probabilities at temperature 1: 0.0547, 0.404, 0.149, 0.404 and nothing.
TEST(Sampling, TopPKeepsTheFewestTokensThatReachIt) {
  const auto kept = [](double top_p) {
    std::vector<int32_t> ids;
    for (const auto& [id, n] : draws({.temperature = 1, .top_p = top_p}, 3000)) ids.push_back(id);
    return ids;
  };
  EXPECT_EQ(kept(1e-9), (std::vector<int32_t>{1}));
  EXPECT_EQ(kept(0.3), (std::vector<int32_t>{1}));
  EXPECT_EQ(kept(0.5), (std::vector<int32_t>{1, 3}));
  EXPECT_EQ(kept(0.9), (std::vector<int32_t>{1, 2, 3}));
  EXPECT_EQ(kept(0.97), (std::vector<int32_t>{0, 1, 2, 3}));
}

TEST(Sampling, TheNucleusIsDrawnFromInProportion) {
  constexpr int kDraws = 20'000;
  std::map<int32_t, int> seen = draws({.temperature = 1, .top_p = 0.9}, kDraws);
  const double p = std::exp(2.0) / (std::exp(2.0) + 2 * std::exp(3.0));
  EXPECT_NEAR(seen[2], kDraws * p, 4 * std::sqrt(kDraws * p * (1 - p)));
}

TEST(Sampling, AnItemsNumbersDependOnSeedAndNameAlone) {
  const auto first = [](uint64_t seed, const char* item) {
    return item_stream(seed, item).next_u32();
  };
  EXPECT_EQ(first(42, "a"), first(42, "a"));
  EXPECT_NE(first(42, "a"), first(42, "b"));
  EXPECT_NE(first(42, "a"), first(43, "a"));
}

TEST(Sampling, SampleIOfASeedIsTheFirstOfTheIThNextSeed) {
  const auto first = [](uint64_t seed, uint64_t sample) {
    return item_stream(seed, "a", sample).next_u32();
  };
  EXPECT_EQ(first(42, 0), item_stream(42, "a").next_u32());
  EXPECT_EQ(first(42, 3), first(45, 0));
  EXPECT_NE(first(42, 1), first(42, 0));
}

TEST(Sampling, ValuesOutOfRangeAreRefused) {
  EXPECT_NO_THROW(check_sampling({}));
  EXPECT_THROW(check_sampling({.temperature = -0.1, .top_p = 1}), Error);
  EXPECT_THROW(check_sampling({.temperature = NAN, .top_p = 1}), Error);
  EXPECT_THROW(check_sampling({.temperature = 1, .top_p = 0}), Error);
  EXPECT_THROW(check_sampling({.temperature = 1, .top_p = 1.01}), Error);
}

}  // namespace
}  // namespace telora
