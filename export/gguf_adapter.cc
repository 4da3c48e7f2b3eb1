#include "export/gguf_adapter.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <span>
#include <utility>

#include "adapters/lora_config.h"
#include "backbone/gguf_names.h"
#include "backbone/torch.h"
#include "core/error.h"
#include "core/ggml_quantize.h"
#include "core/gguf_writer.h"

namespace telora {

namespace {

constexpr uint32_t kQuantizationVersion = 2;  // of the block formats

// alpha that llama.cpp would need for this module: it divides by the rank of B.
double wanted_alpha(const AdapterFile& adapter, const LoraTensors& module) {
  return lora_scale(adapter.config, module.module) * static_cast<double>(module.a.size(0));
}

// The one that spares most modules a rounding; the greatest of equally frequent ones.
float common_alpha(const AdapterFile& adapter) {
  std::map<float, int> counts;
  for (const LoraTensors& module : adapter.modules) {
    ++counts[static_cast<float>(wanted_alpha(adapter, module))];
  }
  return std::max_element(counts.begin(), counts.end(),
                          [](const auto& a, const auto& b) { return a.second <= b.second; })
      ->first;
}

// Row i of the result is the row of `b` that belongs there. [out, rank]
at::Tensor in_gguf_row_order(const at::Tensor& b, int64_t head_dim) {
  at::Tensor rows = at::empty({b.size(0)}, at::kLong);
  auto* index = rows.mutable_data_ptr<int64_t>();
  for (int64_t row = 0; row < b.size(0); ++row) index[gguf_row(row, head_dim)] = row;
  return b.index_select(0, rows);
}

void add_pairs(const LoraTensors& module, const at::Tensor& b, const DecoderSpec& spec,
               std::vector<GgufPair>& pairs) {
  const auto name = [&](const std::string& of) {
    return gguf_name(of + ".weight", spec.norm_placement);
  };
  const size_t fused = module.module.find("shared_mlp.");
  if (fused == std::string::npos) {
    const bool reordered = has_gguf_row_order(module.module + ".", gguf_architecture(spec));
    pairs.push_back(
        {name(module.module), module.a, reordered ? in_gguf_row_order(b, spec.head_dim) : b});
    return;
  }
  const std::string block = module.module.substr(0, fused);
  if (module.module.ends_with("output_linear")) {
    pairs.push_back({name(block + "mlp.down_proj"), module.a, b});
    return;
  }
  const std::vector<at::Tensor> halves = b.chunk(2, 0);
  pairs.push_back({name(block + "mlp.gate_proj"), module.a, halves.at(0)});
  pairs.push_back({name(block + "mlp.up_proj"), module.a, halves.at(1)});
}

// A tensor with the type that it is stored in.
struct StoredMatrix {
  std::string name;
  at::Tensor values;  // [rows, columns] f32, contiguous
  GgmlType type;
};

GgmlType type_for(const at::Tensor& values, GgmlType wanted) {
  const uint32_t block = ggml_type_info(wanted).block_elements;
  return values.size(1) % block == 0 ? wanted : GgmlType::kF16;
}

std::vector<StoredMatrix> matrices_of(const GgufPairs& pairs, GgmlType type) {
  std::vector<StoredMatrix> matrices;
  for (const GgufPair& pair : pairs.pairs) {
    for (const auto& [suffix, values] : {std::pair(".lora_a", pair.a), {".lora_b", pair.b}}) {
      matrices.push_back({pair.weight + suffix, values.contiguous(), type_for(values, type)});
    }
  }
  return matrices;
}

void append(const StoredMatrix& matrix, const std::string& file, TensorSink& sink) {
  const GgmlTypeInfo& info = ggml_type_info(matrix.type);
  const std::span<const float> values(matrix.values.const_data_ptr<float>(),
                                      static_cast<size_t>(matrix.values.numel()));
  std::vector<std::byte> blocks(values.size() / info.block_elements * info.block_bytes);
  if (const auto bad = quantize(matrix.type, values, blocks)) {
    fail(ErrorKind::kData, {file, matrix.name}, fmt::format("{} at element {}", values[*bad], *bad),
         fmt::format("finite values that {} can hold", info.name), "write it as f32");
  }
  sink.append(blocks);
}

GgufMetadata metadata_of(const GgufPairs& pairs, const DecoderSpec& spec,
                         const Provenance& provenance) {
  GgufMetadata metadata;
  metadata.set_string("general.architecture", gguf_architecture(spec));
  metadata.set_string("general.type", "adapter");
  metadata.set_u32("general.quantization_version", kQuantizationVersion);
  metadata.set_string("adapter.type", "lora");
  metadata.set_f32("adapter.lora.alpha", pairs.alpha);
  for (const auto& [key, value] : provenance) metadata.set_string("telora." + key, value);
  return metadata;
}

}  // namespace

std::string gguf_architecture(const DecoderSpec& spec) {
  return spec.architecture == "granitemoehybrid" ? "granite" : spec.architecture;
}

GgufPairs gguf_pairs(const AdapterFile& adapter, const DecoderSpec& spec) {
  if (adapter.config.use_dora) {
    fail(ErrorKind::kConfig, {"adapter_config.json", "use_dora"}, "true",
         "an adapter without magnitudes: a GGUF adapter cannot hold them",
         "merge it instead: lora-export merged-gguf");
  }
  GgufPairs result{.alpha = common_alpha(adapter), .pairs = {}};
  for (const LoraTensors& module : adapter.modules) {
    const auto factor = static_cast<float>(wanted_alpha(adapter, module) / double{result.alpha});
    add_pairs(module, factor == 1 ? module.b : module.b * factor, spec, result.pairs);
  }
  return result;
}

void write_gguf_adapter(const std::filesystem::path& path, const AdapterFile& adapter,
                        const DecoderSpec& spec, GgmlType type, const Provenance& provenance) {
  constexpr std::array kTypes = {GgmlType::kF32, GgmlType::kF16, GgmlType::kBF16, GgmlType::kQ8_0};
  if (std::ranges::find(kTypes, type) == kTypes.end()) {
    fail(ErrorKind::kInternal, {path.string(), "type"}, std::string(ggml_type_info(type).name),
         "F32, F16, BF16 or Q8_0");
  }
  const GgufPairs pairs = gguf_pairs(adapter, spec);
  const std::vector<StoredMatrix> matrices = matrices_of(pairs, type);
  std::vector<GgufTensorPlan> plans;
  for (const StoredMatrix& matrix : matrices) {
    const auto rows = static_cast<uint64_t>(matrix.values.size(0));
    const auto columns = static_cast<uint64_t>(matrix.values.size(1));
    plans.push_back({matrix.name, {columns, rows}, matrix.type});
  }
  write_gguf(path, metadata_of(pairs, spec, provenance), plans,
             [&](size_t i, TensorSink& sink) { append(matrices[i], path.string(), sink); });
}

}  // namespace telora
