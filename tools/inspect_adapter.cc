#include "tools/inspect_adapter.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "adapters/adapter_summary.h"
#include "backbone/backbone.h"

namespace telora {

namespace {

using Json = nlohmann::ordered_json;

AdapterFile read(const std::filesystem::path& folder, const std::string& backbone) {
  if (backbone.empty()) return read_adapter(folder);
  return read_adapter(folder, linear_modules(open_model(find_backbone(backbone).path).spec));
}

std::string targets_of(const LoraConfig& config) {
  return config.target_regex.empty() ? fmt::format("{}", fmt::join(config.target_modules, ", "))
                                     : config.target_regex;
}

int64_t parameters_of(const AdapterFile& adapter) {
  int64_t count = 0;
  for (const LoraTensors& pair : adapter.modules) count += pair.a.numel() + pair.b.numel();
  return count;
}

Json to_json(const AdapterFile& adapter, const std::vector<LoraModuleSummary>& modules) {
  Json rows = Json::array();
  for (const LoraModuleSummary& m : modules) {
    rows.push_back({{"name", m.module},
                    {"in", m.in},
                    {"out", m.out},
                    {"rank", m.rank},
                    {"scale", m.scale},
                    {"norm", m.norm},
                    {"spectral_norm", m.spectral_norm},
                    {"effective_rank", m.effective_rank}});
  }
  const LoraConfig& config = adapter.config;
  return {{"rank", config.rank},
          {"alpha", config.alpha},
          {"use_rslora", config.use_rslora},
          {"dropout", config.dropout},
          {"target_modules", targets_of(config)},
          {"base_model", config.base_model},
          {"parameters", parameters_of(adapter)},
          {"modules", rows}};
}

void print_text(const AdapterFile& adapter, const std::vector<LoraModuleSummary>& modules) {
  const LoraConfig& config = adapter.config;
  fmt::print("rank {}, alpha {}{}, dropout {}, {} modules, {} parameters\n", config.rank,
             config.alpha, config.use_rslora ? " (rsLoRA)" : "", config.dropout, modules.size(),
             parameters_of(adapter));
  fmt::print("targets: {}\n", targets_of(config));
  if (!config.base_model.empty()) fmt::print("base:    {}\n", config.base_model);
  fmt::print("{:<40} {:>12} {:>5} {:>8} {:>10} {:>10} {:>9}\n", "module", "out x in", "rank",
             "scale", "norm", "spectral", "eff. rank");
  for (const LoraModuleSummary& m : modules) {
    fmt::print("{:<40} {:>12} {:>5} {:>8.4g} {:>10.4g} {:>10.4g} {:>9.2f}\n", m.module,
               fmt::format("{} x {}", m.out, m.in), m.rank, m.scale, m.norm, m.spectral_norm,
               m.effective_rank);
  }
}

}  // namespace

void inspect_adapter(const std::filesystem::path& folder, const std::string& backbone, bool json) {
  const AdapterFile adapter = read(folder, backbone);
  const std::vector<LoraModuleSummary> modules = summarise_adapter(adapter);
  if (json) {
    fmt::print("{}\n", to_json(adapter, modules).dump());
  } else {
    print_text(adapter, modules);
  }
}

}  // namespace telora
