#include "core/energy.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "tests/golden/scratch.h"

namespace telora {
namespace {

class EnergyTest : public testing::Test {
 protected:
  void set(const std::string& domain, const std::string& name, uint64_t value) {
    std::filesystem::create_directories(root() / domain);
    std::ofstream(root() / domain / name) << value << "\n";
  }
  std::filesystem::path root() const { return scratch_.path(); }

  golden::Scratch scratch_;
};

TEST_F(EnergyTest, AddsUpPackagesAndLeavesTheirPartsOut) {
  for (const char* domain : {"intel-rapl:0", "intel-rapl:0:0", "intel-rapl:1"}) {
    set(domain, "energy_uj", 1000000);
    set(domain, "max_energy_range_uj", 262143328850);
  }
  auto counter = EnergyCounter::open(root());
  ASSERT_TRUE(counter);
  EXPECT_EQ(counter->joules(), 0.0);
  set("intel-rapl:0", "energy_uj", 3500000);
  set("intel-rapl:0:0", "energy_uj", 9000000);
  set("intel-rapl:1", "energy_uj", 2000000);
  EXPECT_EQ(counter->joules(), 3.5);
  EXPECT_EQ(counter->joules(), 0.0);
}

TEST_F(EnergyTest, ACounterThatStartsAgainIsUnderstood) {
  set("intel-rapl:0", "energy_uj", 9000000);
  set("intel-rapl:0", "max_energy_range_uj", 10000000);
  auto counter = EnergyCounter::open(root());
  ASSERT_TRUE(counter);
  set("intel-rapl:0", "energy_uj", 500000);
  EXPECT_EQ(counter->joules(), 1.5);
}

TEST_F(EnergyTest, WithoutCountersThereIsNothing) {
  EXPECT_FALSE(EnergyCounter::open(root()));
  EXPECT_FALSE(EnergyCounter::open(root() / "absent"));
  set("intel-rapl:0", "energy_uj", 1);
  set("intel-rapl:0", "max_energy_range_uj", 10);
  auto counter = EnergyCounter::open(root());
  ASSERT_TRUE(counter);
  std::filesystem::remove(root() / "intel-rapl:0" / "energy_uj");
  EXPECT_FALSE(counter->joules());
}

}  // namespace
}  // namespace telora
