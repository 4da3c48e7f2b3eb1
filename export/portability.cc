#include "export/portability.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "backbone/torch.h"
#include "core/error.h"

namespace telora {

namespace {

constexpr int64_t kUsualMaxRank = 16;  // --max-lora-rank of vLLM
constexpr std::array<int64_t, 9> kMaxRanks = {1, 8, 16, 32, 64, 128, 256, 320, 512};

int64_t greatest_rank(const AdapterFile& adapter) {
  int64_t most = 0;
  for (const LoraTensors& pair : adapter.modules) most = std::max(most, pair.a.size(0));
  return most;
}

// [rows, columns] with zeros below and to the right.
at::Tensor filled(const at::Tensor& values, int64_t rows, int64_t columns) {
  at::Tensor all = at::zeros({rows, columns}, at::kFloat);
  all.narrow(0, 0, values.size(0)).narrow(1, 0, values.size(1)).copy_(values);
  return all;
}

}  // namespace

std::vector<std::string> portability_warnings(const AdapterFile& adapter) {
  const LoraConfig& config = adapter.config;
  std::vector<std::string> warnings;
  if (config.use_dora) warnings.emplace_back("vLLM does not load DoRA adapters: merge it instead");
  if (!config.rank_pattern.empty() || !config.alpha_pattern.empty()) {
    warnings.emplace_back(
        "vLLM does not read rank_pattern and alpha_pattern, so modules would act at another "
        "strength: --portable writes one rank and one scale");
  }
  const int64_t rank = greatest_rank(adapter);
  if (rank > kMaxRanks.back()) {
    warnings.push_back(
        fmt::format("vLLM takes ranks up to {}, this one has {}", kMaxRanks.back(), rank));
  } else if (rank > kUsualMaxRank) {
    warnings.push_back(fmt::format("vLLM takes rank {} with --max-lora-rank {} only", rank,
                                   *std::ranges::lower_bound(kMaxRanks, rank)));
  }
  return warnings;
}

AdapterFile portable(const AdapterFile& adapter) {
  if (adapter.config.use_dora) {
    fail(ErrorKind::kConfig, {"adapter_config.json", "use_dora"}, "true",
         "an adapter without magnitudes", "merge it instead: lora-export merged");
  }
  const int64_t rank = greatest_rank(adapter);
  AdapterFile result{.config = adapter.config, .modules = {}, .metadata = adapter.metadata};
  result.config.rank = rank;
  result.config.alpha = static_cast<double>(rank);
  result.config.use_rslora = false;
  result.config.init.clear();
  result.config.rank_pattern.clear();
  result.config.alpha_pattern.clear();
  for (const LoraTensors& pair : adapter.modules) {
    const double scale = lora_scale(adapter.config, pair.module);
    result.modules.push_back({pair.module, filled(pair.a, rank, pair.a.size(1)),
                              filled(pair.b * scale, pair.b.size(0), rank)});
  }
  return result;
}

}  // namespace telora
