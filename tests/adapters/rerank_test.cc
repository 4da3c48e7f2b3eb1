#include "adapters/rerank.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "backbone/torch.h"
#include "core/error.h"

namespace telora {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

// Three modules of rank 6, with different shapes, scales and spectra.
AdapterFile adapter() {
  at::manual_seed(3);
  AdapterFile file;
  file.config.rank = 6;
  file.config.alpha = 12;
  file.config.use_rslora = true;
  file.config.target_modules = {"q_proj", "k_proj", "v_proj"};
  file.config.alpha_pattern = {{"v_proj", 3}};
  const auto add = [&](const std::string& name, int64_t in, int64_t out, double decay) {
    at::Tensor sizes = at::pow(at::full({6}, decay), at::arange(6));
    file.modules.push_back(
        {"model.layers.0.self_attn." + name, at::randn({6, in}), at::randn({out, 6}) * sizes});
  };
  add("q_proj", 20, 30, 0.5);
  add("k_proj", 20, 10, 0.9);
  add("v_proj", 20, 10, 0.2);
  return file;
}

at::Tensor change(const AdapterFile& file, size_t module) {
  const LoraTensors& pair = file.modules[module];
  return pair.b.to(at::kDouble).mm(pair.a.to(at::kDouble)) * lora_scale(file.config, pair.module);
}

int64_t numbers(const AdapterFile& file) {
  int64_t sum = 0;
  for (const LoraTensors& pair : file.modules) sum += pair.a.numel() + pair.b.numel();
  return sum;
}

TEST(Rerank, SpectraAreThoseOfTheChanges) {
  const AdapterFile file = adapter();
  const auto spectra = module_spectra(file);
  for (size_t m = 0; m < 3; ++m) {
    const at::Tensor values = at::linalg_svdvals(change(file, m));
    ASSERT_THAT(spectra[m].values, SizeIs(6));
    for (int64_t j = 0; j < 6; ++j) {
      EXPECT_NEAR(spectra[m].values[static_cast<size_t>(j)], values[j].item<double>(), 1e-9);
    }
  }
  EXPECT_EQ(spectra[0].weight, 50);
}

TEST(Rerank, AllComponentsAreTheSameAdapter) {
  const AdapterFile file = adapter();
  const AdapterFile packed = rerank(file, {6, 6, 6});
  for (size_t m = 0; m < 3; ++m) {
    EXPECT_EQ(lora_scale(packed.config, packed.modules[m].module), 1);
    EXPECT_TRUE(at::allclose(change(packed, m), change(file, m), 1e-5, 1e-5));
  }
}

// What is lost is what the dropped singular values say, no more.
TEST(Rerank, IsTheNearestOfItsRank) {
  const AdapterFile file = adapter();
  const auto spectra = module_spectra(file);
  const Ranks ranks = {2, 4, 1};
  const AdapterFile packed = rerank(file, ranks);
  double lost_all = 0, all = 0;
  for (size_t m = 0; m < 3; ++m) {
    EXPECT_EQ(packed.modules[m].a.size(0), ranks[m]);
    EXPECT_EQ(lora_rank(packed.config, packed.modules[m].module), ranks[m]);
    EXPECT_EQ(lora_scale(packed.config, packed.modules[m].module), 1);
    double lost = 0;
    for (size_t j = static_cast<size_t>(ranks[m]); j < 6; ++j) {
      lost += spectra[m].values[j] * spectra[m].values[j];
    }
    const double found = (change(packed, m) - change(file, m)).square().sum().item<double>();
    EXPECT_NEAR(found, lost, 1e-4 * (1 + lost));
    lost_all += lost;
    all += change(file, m).square().sum().item<double>();
  }
  EXPECT_NEAR(kept_energy(spectra, ranks), 1 - lost_all / all, 1e-9);
}

TEST(Rerank, RanksByRankAndByEnergy) {
  const std::vector<ModuleSpectrum> spectra = {{{2, 1, 1}, 10}, {{3}, 20}};
  EXPECT_THAT(uniform_ranks(spectra, 2), ElementsAre(2, 1));
  EXPECT_THAT(ranks_for_energy(spectra, 0.6), ElementsAre(1, 1));
  EXPECT_THAT(ranks_for_energy(spectra, 0.7), ElementsAre(2, 1));
  EXPECT_THAT(ranks_for_energy(spectra, 1.0), ElementsAre(3, 1));
  EXPECT_THROW(uniform_ranks(spectra, 0), Error);
  EXPECT_THROW(ranks_for_energy(spectra, 0), Error);
  EXPECT_THROW(ranks_for_energy(spectra, 1.1), Error);
}

TEST(Rerank, ABudgetGoesWhereMostEnergyANumberIs) {
  // A number of the first module carries 4, 1, 0.25 tenths; of the second 9, 4 and 1 twentieths.
  const std::vector<ModuleSpectrum> spectra = {{{2, 1, 0.5}, 10}, {{3, 2, 1}, 20}};
  EXPECT_THAT(ranks_for_numbers(spectra, 30), ElementsAre(1, 1));
  EXPECT_THAT(ranks_for_numbers(spectra, 49), ElementsAre(2, 1));  // 20 do not fit, 10 do
  EXPECT_THAT(ranks_for_numbers(spectra, 50), ElementsAre(1, 2));
  EXPECT_THAT(ranks_for_numbers(spectra, 60), ElementsAre(2, 2));
  EXPECT_THAT(ranks_for_numbers(spectra, 1000), ElementsAre(3, 3));
  EXPECT_THROW(ranks_for_numbers(spectra, 29), Error);
}

TEST(Rerank, ABudgetIsKept) {
  const AdapterFile file = adapter();
  const auto spectra = module_spectra(file);
  double before = 0;
  for (int64_t budget = 110; budget < 700; budget += 37) {
    const Ranks ranks = ranks_for_numbers(spectra, budget);
    EXPECT_LE(numbers(rerank(file, ranks)), budget);
    EXPECT_GE(kept_energy(spectra, ranks) + 1e-12, before);
    before = kept_energy(spectra, ranks);
  }
}

TEST(Rerank, MagnitudesAreRefused) {
  AdapterFile file = adapter();
  file.config.use_dora = true;
  EXPECT_THROW(rerank(file, {1, 1, 1}), Error);
}

TEST(LinkBytes, IsTheCapacityOfTheChannel) {
  EXPECT_EQ(link_bytes(0, 8e6, 1), 1'000'000U);  // log2(1 + 1) = 1 bit a second and hertz
  EXPECT_NEAR(static_cast<double>(link_bytes(5, 20e6, 1)),
              20e6 * std::log2(1 + std::pow(10, 0.5)) / 8, 1);
  EXPECT_THROW(link_bytes(5, 0, 1), Error);
  EXPECT_THROW(link_bytes(5, 1e6, -1), Error);
}

}  // namespace
}  // namespace telora
