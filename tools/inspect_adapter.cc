#include "tools/inspect_adapter.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "adapters/adapter_summary.h"
#include "adapters/adapter_trust.h"
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

int64_t magnitudes_of(const AdapterFile& adapter) {
  int64_t count = 0;
  for (const LoraTensors& pair : adapter.modules) {
    if (pair.magnitude.defined()) count += pair.magnitude.numel();
  }
  return count;
}

int64_t parameters_of(const AdapterFile& adapter) {
  int64_t count = 0;
  for (const LoraTensors& pair : adapter.modules) count += pair.a.numel() + pair.b.numel();
  return count + magnitudes_of(adapter);
}

// Any setting that makes it more than plain LoRA.
std::string variant_of(const LoraConfig& config) {
  std::string text;
  if (config.use_dora) text += ", DoRA";
  if (config.use_rslora) text += ", rsLoRA";
  if (!config.rank_pattern.empty()) text += ", rank_pattern";
  if (!config.alpha_pattern.empty()) text += ", alpha_pattern";
  if (!config.layers.empty()) text += fmt::format(", blocks {}", fmt::join(config.layers, " "));
  return text;
}

std::vector<std::string> names_of(const std::vector<const LoraModuleSummary*>& modules) {
  std::vector<std::string> names;
  for (const LoraModuleSummary* module : modules) names.push_back(module->module);
  return names;
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
                    {"effective_rank", m.effective_rank},
                    {"top_share", m.top_share},
                    {"magnitudes", m.magnitudes}});
    if (m.magnitudes > 0) rows.back()["magnitude_range"] = {m.magnitude_low, m.magnitude_high};
  }
  const LoraConfig& config = adapter.config;
  return {{"rank", config.rank},
          {"alpha", config.alpha},
          {"use_rslora", config.use_rslora},
          {"use_dora", config.use_dora},
          {"dropout", config.dropout},
          {"target_modules", targets_of(config)},
          {"base_model", config.base_model},
          {"parameters", parameters_of(adapter)},
          {"magnitudes", magnitudes_of(adapter)},
          {"magnitude_bytes_f32", 4 * magnitudes_of(adapter)},
          {"suspicious", names_of(suspicious_modules(modules))},
          {"modules", rows}};
}

void print_text(const AdapterFile& adapter, const std::vector<LoraModuleSummary>& modules) {
  const LoraConfig& config = adapter.config;
  fmt::print("rank {}, alpha {}{}, dropout {}, {} modules, {} parameters\n", config.rank,
             config.alpha, variant_of(config), config.dropout, modules.size(),
             parameters_of(adapter));
  if (config.use_dora) {
    fmt::print("{} of them are magnitudes ({} bytes as F32)\n", magnitudes_of(adapter),
               4 * magnitudes_of(adapter));
  }
  fmt::print("targets: {}\n", targets_of(config));
  if (!config.base_model.empty()) fmt::print("base:    {}\n", config.base_model);
  fmt::print("{:<40} {:>12} {:>5} {:>8} {:>10} {:>10} {:>9} {:>6}{}\n", "module", "out x in",
             "rank", "scale", "norm", "spectral", "eff. rank", "top",
             config.use_dora ? "  magnitudes" : "");
  for (const LoraModuleSummary& m : modules) {
    fmt::print("{:<40} {:>12} {:>5} {:>8.4g} {:>10.4g} {:>10.4g} {:>9.2f} {:>4.0f} %{}\n", m.module,
               fmt::format("{} x {}", m.out, m.in), m.rank, m.scale, m.norm, m.spectral_norm,
               m.effective_rank, 100 * m.top_share,
               m.magnitudes > 0
                   ? fmt::format("  {:.3g} to {:.3g}", m.magnitude_low, m.magnitude_high)
                   : "");
  }
  for (const std::string& name : names_of(suspicious_modules(modules))) {
    fmt::print("suspicious: {}, where one direction outweighs all others and other layers\n", name);
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
