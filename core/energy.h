#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace telora {

// The processor packages' energy counters (RAPL), where this machine lets programs read them.
class EnergyCounter {
 public:
  // Nothing if no counter can be read. `root` holds intel-rapl:0, intel-rapl:1, … with energy_uj
  // and max_energy_range_uj, as Linux' powercap shows them (AMD's processors too).
  static std::optional<EnergyCounter> open(
      const std::filesystem::path& root = "/sys/class/powercap");

  // Joules since it was opened, or since the last call. Must be called before a counter wraps
  // around twice, which takes minutes at least. Nothing if a counter can be read no longer.
  std::optional<double> joules();

 private:
  struct Package {
    std::filesystem::path counter;
    uint64_t range = 0;  // the counter goes back to 0 behind it
    uint64_t last = 0;
  };
  std::vector<Package> packages_;
};

}  // namespace telora
