#include "adapters/peft_folder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <unordered_set>

#include "adapters/adapter_fit.h"
#include "adapters/adapter_trust.h"
#include "adapters/described_modules.h"
#include "adapters/tensor_name.h"
#include "backbone/decoder_spec.h"
#include "backbone/torch.h"
#include "core/document.h"
#include "core/files.h"

namespace telora {

namespace {

constexpr const char* kConfigFile = "adapter_config.json";
constexpr const char* kWeightsFile = "adapter_model.safetensors";
constexpr const char* kPickleFile = "adapter_model.bin";
constexpr uint64_t kMaxConfigBytes = 4 << 20;

LoraConfig read_config(const std::filesystem::path& folder) {
  const auto path = folder / kConfigFile;
  return parse_lora_config(Document::parse_json(read_text(path, kMaxConfigBytes), path.string()));
}

void refuse_pickle(const std::filesystem::path& folder) {
  std::error_code ignored;
  if (std::filesystem::exists(folder / kWeightsFile, ignored)) return;
  if (!std::filesystem::exists(folder / kPickleFile, ignored)) return;
  fail(ErrorKind::kData, {(folder / kPickleFile).string(), ""},
       "a pickle, which can run code on loading", kWeightsFile,
       "convert it to safetensors where you trust it (PEFT: save_pretrained)");
}

void refuse_file(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return;
  fail(ErrorKind::kData, {path.string(), ""}, "a file", "the PEFT folder of an adapter",
       "adapters in GGUF files are not read: take the folder that the file was converted from");
}

at::ScalarType scalar_type(Dtype dtype) {
  return dtype == Dtype::kF16 ? at::kHalf : dtype == Dtype::kBF16 ? at::kBFloat16 : at::kFloat;
}

// Throws if a value of the matrix is NaN or Inf, with the first place and the number of them.
void check_finite(const at::Tensor& matrix, const Where& where) {
  const at::Tensor bad = torch::isfinite(matrix).logical_not();
  if (!bad.any().item<bool>()) return;
  const at::Tensor places = bad.nonzero();  // [count, dimensions]
  std::vector<int64_t> place;
  at::Tensor value = matrix;
  for (int64_t i = 0; i < matrix.dim(); ++i) {
    place.push_back(places[0][i].item<int64_t>());
    value = value[place.back()];
  }
  fail(ErrorKind::kData, where,
       fmt::format("{} values that are NaN or infinite, first {} at [{}]", places.size(0),
                   value.item<float>(), fmt::join(place, ", ")),
       "finite numbers",
       "such an adapter spoils every answer: train it again or take an earlier checkpoint");
}

at::Tensor load(const SafetensorsFile& file, const SafetensorsEntry& entry) {
  at::Tensor stored = torch::empty(entry.shape, scalar_type(entry.dtype));
  file.read(entry, 0, {static_cast<std::byte*>(stored.data_ptr()), entry.bytes});
  at::Tensor matrix = stored.to(at::kFloat);
  check_finite(matrix, {file.name(), printable(entry.name)});
  return matrix;
}

[[noreturn]] void fail_internal(const std::string& field, const std::string& found,
                                const std::string& want) {
  fail(ErrorKind::kInternal, {kWeightsFile, field}, found, want);
}

// The caller's duty, checked before anything is written.
void check_written(const LoraConfig& config, const LoraTensors& tensors) {
  const auto& [module, a, b, magnitude] = tensors;
  if (!a.defined() || !b.defined() || a.dim() != 2 || b.dim() != 2) {
    fail_internal(module, "no pair of matrices", "A [rank, in] and B [out, rank]");
  }
  const int64_t rank = lora_rank(config, module);
  if (a.size(0) != rank || b.size(1) != rank) {
    fail_internal(
        module,
        fmt::format("A [{}, {}] and B [{}, {}]", a.size(0), a.size(1), b.size(0), b.size(1)),
        fmt::format("rank {}", rank));
  }
  if (!is_target(config, module))
    fail_internal(module, "tensors", "a module that target_modules selects");
  const bool has_magnitude = magnitude.defined() && magnitude.sizes().equals({b.size(0)});
  if (magnitude.defined() != config.use_dora || has_magnitude != config.use_dora)
    fail_internal(module, "other magnitudes", "[out] of them exactly with use_dora");
}

void check_written(const AdapterFile& adapter) {
  if (adapter.modules.empty()) fail_internal("modules", "none", "at least one");
  std::unordered_set<std::string> seen;
  for (const LoraTensors& tensors : adapter.modules) {
    if (!seen.insert(tensors.module).second)
      fail_internal(tensors.module, "the module twice", "once");
    check_written(adapter.config, tensors);
  }
}

void refuse_other_adapter(const std::filesystem::path& path, const std::string& config) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored) || read_text(path, kMaxConfigBytes) == config) return;
  fail(ErrorKind::kCannotCreate, {path.string(), ""}, "an adapter with another config",
       "a free folder", "write elsewhere, or remove the old adapter first");
}

// A tensor as it goes into the file, kept alive while it is written.
struct Stored {
  std::string name;
  at::Tensor values;
};

Stored to_stored(const std::filesystem::path& path, const LoraTensors& tensors, LoraSide side,
                 Dtype dtype) {
  const at::Tensor& matrix = side == LoraSide::kA   ? tensors.a
                             : side == LoraSide::kB ? tensors.b
                                                    : tensors.magnitude;
  Stored stored{lora_tensor_name(tensors.module, side),
                matrix.detach().to(at::kCPU, scalar_type(dtype)).contiguous()};
  check_finite(stored.values,
               {path.string(), fmt::format("{} as {}", stored.name, dtype_name(dtype))});
  return stored;
}

void write_weights(const std::filesystem::path& path, const AdapterFile& adapter, Dtype dtype) {
  std::vector<Stored> stored;
  for (const LoraTensors& tensors : adapter.modules) {
    stored.push_back(to_stored(path, tensors, LoraSide::kA, dtype));
    stored.push_back(to_stored(path, tensors, LoraSide::kB, dtype));
    if (!tensors.magnitude.defined()) continue;
    stored.push_back(to_stored(path, tensors, LoraSide::kMagnitude, dtype));
  }
  std::vector<TensorBytes> tensors;
  for (const auto& [name, values] : stored) {
    tensors.push_back({name,
                       dtype,
                       values.sizes().vec(),
                       {static_cast<const std::byte*>(values.const_data_ptr()), values.nbytes()}});
  }
  auto metadata = adapter.metadata;
  metadata["format"] = "pt";
  write_safetensors(path, tensors, metadata);
}

}  // namespace

AdapterFile read_adapter(const std::filesystem::path& folder) {
  refuse_file(folder);
  refuse_pickle(folder);
  return read_adapter(folder, described_modules(SafetensorsFile(folder / kWeightsFile)));
}

AdapterFile read_adapter(const std::filesystem::path& folder,
                         const std::vector<ModuleShape>& base) {
  refuse_file(folder);
  AdapterFile adapter;
  adapter.config = read_config(folder);
  refuse_pickle(folder);
  const SafetensorsFile file(folder / kWeightsFile);
  if (file.entries().empty()) {
    fail(ErrorKind::kData, {file.name(), ""}, "no tensors",
         "lora_A and lora_B of each adapted module");
  }
  require_own_files(folder);
  for (const LoraPair& pair : fit_to_base(file, base, adapter.config)) {
    adapter.modules.push_back({pair.module->name, load(file, *pair.a), load(file, *pair.b),
                               pair.magnitude ? load(file, *pair.magnitude) : at::Tensor()});
  }
  adapter.metadata = file.metadata();
  return adapter;
}

void write_adapter(const std::filesystem::path& folder, const AdapterFile& adapter, Dtype dtype) {
  if (dtype != Dtype::kF32 && dtype != Dtype::kF16 && dtype != Dtype::kBF16) {
    fail_internal("dtype", std::string(dtype_name(dtype)), "F32, F16 or BF16");
  }
  check_written(adapter);
  const std::string config = lora_config_json(adapter.config);
  create_folders(folder);
  refuse_other_adapter(folder / kConfigFile, config);
  write_weights(folder / kWeightsFile, adapter, dtype);
  publish(folder / kConfigFile, config);
}

}  // namespace telora
