#include "export/verify_changes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cfloat>
#include <cmath>

#include "adapters/lora_config.h"
#include "backbone/gguf_names.h"
#include "backbone/torch.h"
#include "core/error.h"
#include "core/ggml_quantize.h"
#include "core/gguf.h"
#include "core/safetensors.h"
#include "export/change_check.h"
#include "export/gguf_adapter.h"
#include "export/gguf_adapter_reader.h"
#include "export/merged_weights.h"

namespace telora {

namespace {

namespace fs = std::filesystem;

constexpr double kMostLost = 0.9;  // of a change's strength, that rounding may leave of it
constexpr const char* kWeightsFile = "adapter_model.safetensors";

// What storing numbers in this type may change of them, relative to their size: several times the
// mean error.
double rounding_of(GgmlType type) {
  switch (type) {
    case GgmlType::kF32:
      return 1e-5;
    case GgmlType::kF16:
      return 2e-3;
    case GgmlType::kBF16:
      return 1e-2;
    default:
      return 5e-2;
  }
}

double rounding_of_file(const fs::path& path, ExportKind kind) {
  double most = 0;
  if (kind == ExportKind::kGgufAdapter) {
    const GgufFile file(path);
    for (const GgufTensor& tensor : file.tensors()) {
      most = std::max(most, rounding_of(tensor.type));
    }
  } else {
    const SafetensorsFile file(path / kWeightsFile);
    for (const SafetensorsEntry& entry : file.entries()) {
      most = std::max(most, rounding_of(weight_type(entry.dtype).value_or(GgmlType::kF32)));
    }
  }
  return most;
}

// s · B A. [out, in]
at::Tensor change_of(const AdapterFile& adapter, const LoraTensors& pair) {
  return pair.b.mm(pair.a) * lora_scale(adapter.config, pair.module);
}

const LoraTensors* find_module(const AdapterFile& adapter, const std::string& name) {
  const auto found = std::ranges::find(adapter.modules, name, &LoraTensors::module);
  return found == adapter.modules.end() ? nullptr : &*found;
}

CheckedModule checked_module(const LoraTensors& pair, const DecoderSpec& spec) {
  const bool reordered = has_gguf_row_order(pair.module + ".", gguf_architecture(spec));
  return {.rank = pair.a.size(0), .reordered_head = reordered ? spec.head_dim : 0};
}

std::string magnitude_fault(const LoraTensors& found, const LoraTensors& trained, double rounding) {
  if (found.magnitude.defined() != trained.magnitude.defined()) {
    return trained.magnitude.defined() ? "has no magnitudes"
                                       : "has magnitudes that were not trained";
  }
  if (!found.magnitude.defined()) return {};
  const bool same = at::allclose(found.magnitude, trained.magnitude, rounding, rounding);
  return same ? std::string() : "has other magnitudes";
}

std::string pair_fault(const AdapterFile& found, const LoraTensors& own, const AdapterFile& trained,
                       const LoraTensors& pair, const DecoderSpec& spec, double rounding) {
  const at::Tensor wanted = change_of(trained, pair);
  const at::Tensor changed = change_of(found, own);
  if (wanted.count_nonzero().item<int64_t>() == 0) {
    return changed.count_nonzero().item<int64_t>() == 0 ? ""
                                                        : "changes what training left as it was";
  }
  ChangeCheck check(checked_module(pair, spec));
  check.add(changed, wanted);
  const std::string fault = check.fault(rounding);
  return fault.empty() ? magnitude_fault(own, pair, rounding) : fault;
}

AdapterFile read_exported(const fs::path& path, ExportKind kind, const DecoderSpec& spec) {
  return kind == ExportKind::kGgufAdapter ? read_gguf_adapter(path, spec)
                                          : read_adapter(path, linear_modules(spec));
}

// One weight of a merged model against what it should be.
class WeightCheck {
 public:
  WeightCheck(const CheckedModule& module, GgmlType type) : check_(module), type_(type) {}

  // Rows of base, of base with the change, and of the file.
  void add(const at::Tensor& base, const at::Tensor& merged, const at::Tensor& found) {
    const at::Tensor rounded = stored(merged);
    check_.add(found - base, merged - base);
    rounded_.add(rounded - base, merged - base);
    weights_ += merged.square().sum(at::kDouble).item<double>();
    change_ += (merged - base).square().sum(at::kDouble).item<double>();
    lost_ += (rounded - merged).square().sum(at::kDouble).item<double>();
    apart_ += (found - merged).square().sum(at::kDouble).item<double>();
  }

  // Of a weight that the adapter changes.
  std::string change_fault() const {
    if (change_ == 0) return unchanged_fault();
    const double left = rounded_.fit().factor;
    if (left < kMostLost && std::abs(check_.fit().factor - left) < 0.05) {
      return fmt::format(
          "is rounded away: steps of {} are larger than the change, {:.0f} % of it is "
          "left; write a finer --type, or the adapter itself (lora-export gguf)",
          ggml_type_info(type_).name, 100 * left);
    }
    const double floor = std::ldexp(std::sqrt(weights_ / change_), -22);  // of float32 sums
    return check_.fault(3 * std::sqrt(lost_ / change_) + floor + 1e-6, left);
  }

  // Of one that it does not change.
  std::string unchanged_fault() const {
    const double allowed = 3 * std::sqrt(lost_) + std::ldexp(std::sqrt(weights_), -22);
    if (std::sqrt(apart_) <= allowed) return {};
    return fmt::format("differs from the base by {:.2g} % though the adapter does not change it",
                       100 * std::sqrt(apart_ / std::max(weights_, DBL_MIN)));
  }

 private:
  // What this file's type makes of the values; of a type that is not written here, the values.
  at::Tensor stored(const at::Tensor& values) const {
    const GgmlTypeInfo& info = ggml_type_info(type_);
    const auto count = static_cast<size_t>(values.numel());
    if (!can_quantize(type_) || count % info.block_elements != 0) return values;
    const at::Tensor plain = values.contiguous();
    at::Tensor result = at::empty_like(plain);
    std::vector<std::byte> blocks(count / info.block_elements * info.block_bytes);
    if (quantize(type_, {plain.const_data_ptr<float>(), count}, blocks)) return values;
    dequantize(type_, blocks, {result.mutable_data_ptr<float>(), count});
    return result;
  }

  ChangeCheck check_;
  ChangeCheck rounded_{CheckedModule{}};  // what an exact exporter leaves of the change
  GgmlType type_;
  double weights_ = 0, change_ = 0, lost_ = 0, apart_ = 0;  // squares
};

at::Tensor rows_of(std::span<const float> values, int64_t columns) {
  at::Tensor rows = at::empty({static_cast<int64_t>(values.size()) / columns, columns}, at::kFloat);
  std::ranges::copy(values, rows.mutable_data_ptr<float>());
  return rows;
}

// The same bytes of the same type, so the same values.
bool same_bytes(const StoredTensor& a, const StoredTensor& b) {
  if (a.type != b.type || !a.type || a.shape != b.shape) return false;
  if (a.reordered_head != b.reordered_head || a.offset != b.offset) return false;
  const GgmlTypeInfo& info = ggml_type_info(*a.type);
  const uint64_t bytes =
      static_cast<uint64_t>(element_count(a)) / info.block_elements * info.block_bytes;
  constexpr uint64_t kPiece = uint64_t{1} << 20;
  std::vector<std::byte> left(std::min(kPiece, bytes)), right(left.size());
  for (uint64_t at = 0; at < bytes; at += left.size()) {
    const size_t count = std::min<uint64_t>(left.size(), bytes - at);
    a.read(at, std::span(left).first(count));
    b.read(at, std::span(right).first(count));
    if (!std::equal(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(count),
                    right.begin())) {
      return false;
    }
  }
  return true;
}

// A merged model against what it should be. A fused gate and up of the base may be two tensors of
// the file.
class MergedCheck {
 public:
  MergedCheck(const StoredModel& base, const StoredModel& found, const AdapterFile& trained)
      : base_(base), found_(found), trained_(trained), merged_(base, trained) {}

  // Nothing where the tensor is as it should be.
  std::string fault(const StoredTensor& base) const {
    const std::vector<const StoredTensor*> parts = parts_of(base.name);
    int64_t elements = 0;
    for (const StoredTensor* part : parts) elements += part ? element_count(*part) : -1;
    if (elements != element_count(base)) return base.name + " is missing or has another shape";
    const LoraTensors* pair = find_module(trained_, base.name.substr(0, base.name.rfind('.')));
    const bool changed = merged_.changes(base) && pair != nullptr;
    if (!changed && parts.size() == 1 && same_bytes(base, *parts[0])) return {};
    const std::string what = compare(base, parts, changed ? pair : nullptr);
    return what.empty() ? what : fmt::format("{} {}", base.name, what);
  }

 private:
  const StoredTensor* find(const std::string& name) const {
    const auto found = std::ranges::find(found_.tensors, name, &StoredTensor::name);
    return found == found_.tensors.end() ? nullptr : &*found;
  }

  std::vector<const StoredTensor*> parts_of(const std::string& name) const {
    const size_t fused = name.find("shared_mlp.");
    if (const StoredTensor* same = find(name); same || fused == std::string::npos) return {same};
    const std::string block = name.substr(0, fused);
    if (name.ends_with("output_linear.weight")) return {find(block + "mlp.down_proj.weight")};
    return {find(block + "mlp.gate_proj.weight"), find(block + "mlp.up_proj.weight")};
  }

  // Of tensors that lie one behind the other.
  static std::vector<float> values_at(const std::vector<const StoredTensor*>& parts, int64_t first,
                                      size_t count) {
    std::vector<float> values(count);
    size_t done = 0;
    int64_t begin = 0;  // flat index of a part's first value
    for (const StoredTensor* part : parts) {
      const int64_t end = begin + element_count(*part);
      const int64_t from = first + static_cast<int64_t>(done);
      if (from < end && done < count) {
        const auto here = std::min(count - done, static_cast<size_t>(end - from));
        read_rows(*part, FLT_MAX, from - begin, std::span(values).subspan(done, here));
        done += here;
      }
      begin = end;
    }
    return values;
  }

  // `pair`: what changes it; null: nothing should.
  std::string compare(const StoredTensor& base, const std::vector<const StoredTensor*>& parts,
                      const LoraTensors* pair) const {
    const CheckedModule facts = pair ? checked_module(*pair, base_.spec) : CheckedModule{};
    WeightCheck check(facts, parts[0]->type.value_or(GgmlType::kF32));
    const int64_t columns = base.shape.size() == 2 ? base.shape[1] : 1;
    merged_.for_each_piece(
        base,
        [&](int64_t first, std::span<const float> wanted) {
          std::vector<float> before(wanted.size());
          read_rows(base, FLT_MAX, first, before);
          check.add(rows_of(before, columns), rows_of(wanted, columns),
                    rows_of(values_at(parts, first, wanted.size()), columns));
        },
        std::max<int64_t>(1, facts.reordered_head));
    return pair ? check.change_fault() : check.unchanged_fault();
  }

  const StoredModel& base_;
  const StoredModel& found_;
  const AdapterFile& trained_;
  MergedWeights merged_;
};

// The same model but for what a format cannot tell apart.
std::vector<std::string> spec_faults(const DecoderSpec& base, const DecoderSpec& found) {
  std::vector<std::string> faults;
  const auto say = [&](bool differs, const std::string& what) {
    if (differs) faults.push_back(what);
  };
  say(base.tied_head && !found.tied_head, "the tied head was lost: the file has a head of its own");
  say(!base.tied_head && found.tied_head, "the head is missing: the base has one of its own");
  say(base.layers != found.layers, "the file holds another number of layers than the base");
  // GGUF files hold them as float32.
  const auto differs = [](double a, double b) {
    return static_cast<float>(a) != static_cast<float>(b);
  };
  say(differs(base.rope_theta, found.rope_theta), "rope_theta differs from the base's");
  say(differs(base.rms_eps, found.rms_eps), "rms_norm_eps differs from the base's");
  return faults;
}

}  // namespace

ExportKind find_export_kind(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(path, error)) {
    fail(ErrorKind::kMissing, {path.string(), {}}, "nothing", "an exported file or folder");
  }
  if (fs::is_directory(path, error)) {
    if (fs::exists(path / "adapter_config.json", error)) return ExportKind::kPeft;
    if (fs::exists(path / "config.json", error)) return ExportKind::kMergedFolder;
    fail(ErrorKind::kData, {path.string(), {}}, "neither adapter_config.json nor config.json",
         "a PEFT adapter or a model folder");
  }
  const GgufFile file(path);
  const bool adapter = file.has("general.type") && file.string("general.type") == "adapter";
  return adapter ? ExportKind::kGgufAdapter : ExportKind::kMergedGguf;
}

std::vector<std::string> adapter_faults(const fs::path& path, ExportKind kind,
                                        const AdapterFile& trained, const DecoderSpec& spec) {
  const AdapterFile found = read_exported(path, kind, spec);
  const double rounding = rounding_of_file(path, kind);
  std::vector<std::string> faults;
  for (const LoraTensors& pair : trained.modules) {
    const LoraTensors* own = find_module(found, pair.module);
    const std::string fault =
        own == nullptr ? "has no tensors" : pair_fault(found, *own, trained, pair, spec, rounding);
    if (!fault.empty()) faults.push_back(fmt::format("{} {}", pair.module, fault));
  }
  for (const LoraTensors& own : found.modules) {
    if (find_module(trained, own.module) != nullptr) continue;
    faults.push_back(own.module + " is changed, which the adapter does not do");
  }
  return faults;
}

std::vector<std::string> merged_faults(const fs::path& path, const fs::path& base,
                                       const AdapterFile& trained) {
  const StoredModel wanted = open_model(base), found = open_model(path);
  std::vector<std::string> faults = spec_faults(wanted.spec, found.spec);
  const MergedCheck check(wanted, found, trained);
  for (const StoredTensor& tensor : wanted.tensors) {
    std::string fault = check.fault(tensor);
    if (!fault.empty()) faults.push_back(std::move(fault));
  }
  return faults;
}

}  // namespace telora
