#include "adapters/rerank.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "backbone/torch.h"
#include "core/error.h"

namespace telora {

namespace {

// s · B A = left · diag(values) · right. left [out, r], values [r], right [r, in]; float64
struct Decomposed {
  at::Tensor left, values, right;
};

// Thin QR of both sides first: the decomposition itself is one of [r, r].
Decomposed decompose(const LoraConfig& config, const LoraTensors& pair) {
  const auto [b_q, b_r] = at::linalg_qr(pair.b.to(at::kDouble));
  const auto [a_q, a_r] = at::linalg_qr(pair.a.to(at::kDouble).t());
  const at::Tensor core = b_r.matmul(a_r.t()) * lora_scale(config, pair.module);
  const auto [u, s, v] = at::linalg_svd(core, false);
  return {b_q.matmul(u), s, v.matmul(a_q.t())};
}

double squares(const ModuleSpectrum& spectrum, int64_t count) {
  double sum = 0;
  for (int64_t j = 0; j < count; ++j) {
    sum += spectrum.values[static_cast<size_t>(j)] * spectrum.values[static_cast<size_t>(j)];
  }
  return sum;
}

int64_t full_rank(const ModuleSpectrum& spectrum) { return std::ssize(spectrum.values); }

void require_positive(const char* what, double value) {
  if (value > 0 && std::isfinite(value)) return;
  fail(ErrorKind::kUsage, {.file = {}, .field = what}, fmt::format("{}", value),
       "a number above 0");
}

std::string escaped(const std::string& name) {
  std::string pattern;
  for (const char c : name) pattern += c == '.' ? "\\." : std::string(1, c);
  return pattern;
}

}  // namespace

std::vector<ModuleSpectrum> module_spectra(const AdapterFile& adapter) {
  const at::NoGradGuard no_gradient;
  std::vector<ModuleSpectrum> spectra;
  for (const LoraTensors& pair : adapter.modules) {
    const at::Tensor values = decompose(adapter.config, pair).values.contiguous();
    const auto* first = values.const_data_ptr<double>();
    spectra.push_back({{first, first + values.numel()}, pair.a.size(1) + pair.b.size(0)});
  }
  return spectra;
}

Ranks uniform_ranks(const std::vector<ModuleSpectrum>& spectra, int64_t rank) {
  if (rank < 1) {
    fail(ErrorKind::kUsage, {.file = {}, .field = "rank"}, std::to_string(rank), "1 or more");
  }
  Ranks ranks;
  for (const ModuleSpectrum& spectrum : spectra)
    ranks.push_back(std::min(rank, full_rank(spectrum)));
  return ranks;
}

Ranks ranks_for_energy(const std::vector<ModuleSpectrum>& spectra, double share) {
  if (!(share > 0 && share <= 1)) {
    fail(ErrorKind::kUsage, {.file = {}, .field = "energy"}, fmt::format("{}", share),
         "above 0, at most 1");
  }
  Ranks ranks;
  for (const ModuleSpectrum& spectrum : spectra) {
    const double wanted = share * squares(spectrum, full_rank(spectrum));
    int64_t rank = 1;
    while (rank < full_rank(spectrum) && squares(spectrum, rank) < wanted) ++rank;
    ranks.push_back(rank);
  }
  return ranks;
}

Ranks ranks_for_numbers(const std::vector<ModuleSpectrum>& spectra, int64_t numbers) {
  struct Component {
    double worth;  // squared singular value a number
    size_t module;
  };
  int64_t used = 0;
  std::vector<Component> components;
  for (size_t m = 0; m < spectra.size(); ++m) {
    used += spectra[m].weight;
    for (int64_t j = 1; j < full_rank(spectra[m]); ++j) {
      const double value = spectra[m].values[static_cast<size_t>(j)];
      components.push_back({value * value / static_cast<double>(spectra[m].weight), m});
    }
  }
  if (used > numbers) {
    fail(ErrorKind::kUsage, {.file = {}, .field = "budget"},
         fmt::format("room for {} numbers", numbers),
         fmt::format("at least {}, rank 1 of every module", used),
         "allow more, or adapt fewer modules");
  }
  // A module's own are in descending order already, so each rank's are taken before the next's.
  std::ranges::stable_sort(components, std::greater<>(), &Component::worth);
  Ranks ranks(spectra.size(), 1);
  for (const Component& component : components) {
    if (used + spectra[component.module].weight > numbers) continue;
    used += spectra[component.module].weight;
    ++ranks[component.module];
  }
  return ranks;
}

double kept_energy(const std::vector<ModuleSpectrum>& spectra, const Ranks& ranks) {
  double kept = 0, all = 0;
  for (size_t m = 0; m < spectra.size(); ++m) {
    kept += squares(spectra[m], ranks.at(m));
    all += squares(spectra[m], full_rank(spectra[m]));
  }
  return all > 0 ? kept / all : 1;
}

AdapterFile rerank(const AdapterFile& adapter, const Ranks& ranks) {
  if (adapter.config.use_dora) {
    fail(ErrorKind::kConfig, {"adapter_config.json", "use_dora"}, "true",
         "an adapter without magnitudes", "train it at the rank that is wanted");
  }
  const at::NoGradGuard no_gradient;
  AdapterFile packed{.config = adapter.config, .modules = {}, .metadata = adapter.metadata};
  LoraConfig& config = packed.config;
  config.use_rslora = false;
  config.init.clear();
  config.rank_pattern.clear();
  config.alpha_pattern.clear();
  config.rank = ranks.at(0);
  config.alpha = static_cast<double>(ranks.at(0));
  for (size_t m = 0; m < adapter.modules.size(); ++m) {
    const LoraTensors& pair = adapter.modules[m];
    const int64_t rank = ranks.at(m);
    const auto [left, values, right] = decompose(adapter.config, pair);
    const at::Tensor roots = values.narrow(0, 0, rank).sqrt();
    packed.modules.push_back(
        {pair.module, (roots.unsqueeze(1) * right.narrow(0, 0, rank)).to(at::kFloat).contiguous(),
         (left.narrow(1, 0, rank) * roots).to(at::kFloat).contiguous()});
    if (rank == config.rank) continue;
    config.rank_pattern.emplace_back(escaped(pair.module), rank);
    config.alpha_pattern.emplace_back(escaped(pair.module), static_cast<double>(rank));
  }
  return packed;
}

uint64_t link_bytes(double snr, double bandwidth, double deadline) {
  require_positive("bandwidth", bandwidth);
  require_positive("deadline", deadline);
  const double rate = bandwidth * std::log2(1 + std::pow(10.0, snr / 10));  // bits a second
  require_positive("snr", rate);
  return static_cast<uint64_t>(rate * deadline / 8);
}

}  // namespace telora
