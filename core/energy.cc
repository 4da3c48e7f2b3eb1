#include "core/energy.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <system_error>

namespace telora {

namespace {

std::optional<uint64_t> read_number(const std::filesystem::path& path) {
  std::ifstream file(path);
  uint64_t value = 0;
  return file >> value ? std::optional(value) : std::nullopt;
}

// "intel-rapl:0" is a package, "intel-rapl:0:1" a part of one.
bool is_package(const std::filesystem::path& folder) {
  const std::string name = folder.filename().string();
  return name.starts_with("intel-rapl:") && std::ranges::count(name, ':') == 1;
}

}  // namespace

std::optional<EnergyCounter> EnergyCounter::open(const std::filesystem::path& root) {
  EnergyCounter counter;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(root, ignored)) {
    if (!is_package(entry.path())) continue;
    const auto now = read_number(entry.path() / "energy_uj");
    const auto range = read_number(entry.path() / "max_energy_range_uj");
    if (!now || !range) continue;
    counter.packages_.push_back({entry.path() / "energy_uj", *range, *now});
  }
  return counter.packages_.empty() ? std::nullopt : std::optional(std::move(counter));
}

std::optional<double> EnergyCounter::joules() {
  double sum = 0;
  for (Package& package : packages_) {
    const auto now = read_number(package.counter);
    if (!now) return std::nullopt;
    const uint64_t used =
        *now >= package.last ? *now - package.last : package.range - package.last + *now;
    sum += 1e-6 * static_cast<double>(used);
    package.last = *now;
  }
  return sum;
}

}  // namespace telora
