#include "adapters/adapter_trust.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "core/digest.h"
#include "core/document.h"
#include "core/files.h"

namespace telora {

namespace {

constexpr const char* kManifest = "telora.json";
constexpr uint64_t kMaxManifestBytes = 16 << 20;
constexpr double kTopShare = 0.9;
constexpr double kTimesMedian = 10;
constexpr size_t kFewest = 4;  // modules of one name that have a meaningful median

std::optional<Document> read_manifest(const std::filesystem::path& folder) {
  const auto path = folder / kManifest;
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return std::nullopt;
  return Document::parse_json(read_text(path, kMaxManifestBytes), path.string());
}

void require_digest(Fields& manifest, const std::string& key, const std::filesystem::path& file) {
  if (!manifest.has(key)) return;
  const std::string wanted = manifest.string(key), found = sha256_file(file);
  if (found == wanted) return;
  fail(ErrorKind::kIntegrity, {file.string(), "sha256"}, found,
       fmt::format("{} as {} says", printable(wanted, 80), kManifest),
       "take config, weights and manifest of one run; for a change made on purpose remove the "
       "manifest");
}

std::string last_name(const std::string& module) { return module.substr(module.rfind('.') + 1); }

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<long>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void require_same_base(const std::filesystem::path& folder, const std::string& weights_digest,
                       const std::string& advice) {
  const auto document = read_manifest(folder);
  if (!document) return;
  Fields manifest(*document);
  const std::string trained_on = manifest.object("sha256").string("weights");
  if (trained_on == weights_digest) return;
  fail(ErrorKind::kIntegrity, {(folder / kManifest).string(), "sha256.weights"},
       printable(trained_on, 80), weights_digest + " of this backbone",
       "the adapter was trained on other weights; " + advice);
}

}  // namespace

void require_own_files(const std::filesystem::path& folder) {
  const auto document = read_manifest(folder);
  if (!document) return;
  Fields manifest(*document);
  require_digest(manifest, "adapter_sha256", folder / "adapter_model.safetensors");
  require_digest(manifest, "adapter_config_sha256", folder / "adapter_config.json");
}

std::vector<const LoraModuleSummary*> suspicious_modules(
    const std::vector<LoraModuleSummary>& modules) {
  std::map<std::string, std::vector<double>> norms;
  for (const LoraModuleSummary& module : modules)
    norms[last_name(module.module)].push_back(module.spectral_norm);
  std::vector<const LoraModuleSummary*> found;
  for (const LoraModuleSummary& module : modules) {
    const std::vector<double>& kind = norms[last_name(module.module)];
    if (module.top_share <= kTopShare || kind.size() < kFewest) continue;
    const double usual = median(kind);
    if (usual > 0 && module.spectral_norm > kTimesMedian * usual) found.push_back(&module);
  }
  return found;
}

void require_trust(const std::filesystem::path& folder, const AdapterFile& adapter,
                   const std::string& weights_digest, const std::string& advice) {
  require_same_base(folder, weights_digest, advice);
  const std::vector<LoraModuleSummary> modules = summarise_adapter(adapter);
  const auto suspicious = suspicious_modules(modules);
  if (suspicious.empty()) return;
  const LoraModuleSummary& first = *suspicious.front();
  fail(ErrorKind::kData, {folder.string(), first.module},
       fmt::format("a suspicious spectrum: singular value {:.4g} with {:.0f} % of the change ({} "
                   "such modules)",
                   first.spectral_norm, 100 * first.top_share, suspicious.size()),
       "a change like that of the other layers",
       "it may hide a trigger: look with lora-inspect adapter; " + advice);
}

}  // namespace telora
