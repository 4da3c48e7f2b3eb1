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
constexpr const char* kWeightsKey = "telora.sha256.weights";
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

// Where an adapter says which weights it was trained on: the manifest of its run, or what an export
// wrote into the file.
struct TrainedOn {
  std::string digest;
  Where where;
};

std::optional<TrainedOn> trained_on(const std::filesystem::path& folder,
                                    const AdapterFile& adapter) {
  if (const auto document = read_manifest(folder)) {
    Fields manifest(*document);
    return TrainedOn{manifest.object("sha256").string("weights"),
                     {(folder / kManifest).string(), "sha256.weights"}};
  }
  const auto found = adapter.metadata.find(kWeightsKey);
  if (found == adapter.metadata.end()) return std::nullopt;
  return TrainedOn{found->second, {folder.string(), kWeightsKey}};
}

void require_same_base(const std::filesystem::path& folder, const AdapterFile& adapter,
                       const std::string& weights_digest, const std::string& advice) {
  const auto origin = trained_on(folder, adapter);
  if (!origin || origin->digest == weights_digest) return;
  fail(ErrorKind::kIntegrity, origin->where, printable(origin->digest, 80),
       weights_digest + " of this backbone", "the adapter was trained on other weights; " + advice);
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
  require_same_base(folder, adapter, weights_digest, advice);
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
