#include "export/gguf_model.h"

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "backbone/gguf_names.h"
#include "backbone/stored_model.h"
#include "core/error.h"
#include "core/gguf_writer.h"
#include "export/gguf_adapter.h"
#include "export/gguf_model_metadata.h"
#include "export/gguf_tokenizer.h"
#include "export/gguf_rows.h"
#include "export/merged_weights.h"

namespace telora {

namespace {

// One tensor of the file: rows of a parameter.
struct Output {
  GgufTensorPlan plan;
  const StoredTensor* stored;
  GgufRows rows;
};

class Converter {
 public:
  Converter(const std::filesystem::path& path, const std::filesystem::path& base,
            const AdapterFile& adapter, std::optional<GgmlType> type)
      : file_(path.string()),
        type_(type),
        model_(open_model(base)),
        merged_(model_, adapter),
        divisors_(gguf_rope_divisors(model_.spec)) {
    for (const StoredTensor& tensor : model_.tensors) add(tensor);
  }

  GgufMetadata metadata(const std::filesystem::path& base, const Provenance& provenance) const {
    GgufMetadata metadata = gguf_model_metadata(model_.spec);
    if (type_) metadata.set_u32("general.file_type", gguf_file_type(*type_));
    add_gguf_tokenizer(metadata, base, model_.spec);
    for (const auto& [key, value] : provenance) metadata.set_string("telora." + key, value);
    return metadata;
  }

  std::vector<GgufTensorPlan> plans() const {
    std::vector<GgufTensorPlan> plans;
    for (const Output& output : outputs_) plans.push_back(output.plan);
    if (!divisors_.empty())
      plans.push_back({"rope_freqs.weight", {divisors_.size()}, GgmlType::kF32});
    return plans;
  }

  void fill(size_t i, TensorSink& sink) const {
    if (i == outputs_.size()) return sink.append(std::as_bytes(std::span(divisors_)));
    const Output& output = outputs_[i];
    append_rows(merged_, *output.stored, output.rows, output.plan, file_, sink);
  }

 private:
  void add(const StoredTensor& tensor) {
    const size_t fused = tensor.name.find("shared_mlp.");
    if (fused == std::string::npos) return add(tensor, tensor.name, 0, rows_of(tensor));
    const std::string block = tensor.name.substr(0, fused);
    if (tensor.name.ends_with("output_linear.weight")) {
      return add(tensor, block + "mlp.down_proj.weight", 0, rows_of(tensor));
    }
    const int64_t half = rows_of(tensor) / 2;
    add(tensor, block + "mlp.gate_proj.weight", 0, half);
    add(tensor, block + "mlp.up_proj.weight", half, half);
  }

  void add(const StoredTensor& tensor, const std::string& name, int64_t first, int64_t count) {
    const bool matrix = tensor.shape.size() == 2;
    const auto columns = static_cast<uint64_t>(matrix ? tensor.shape[1] : count);
    GgufTensorPlan plan{gguf_name(name, model_.spec.norm_placement),
                        {columns},
                        matrix ? type_for(tensor, columns) : GgmlType::kF32};
    if (matrix) plan.dims.push_back(static_cast<uint64_t>(count));
    if (plan.name.empty()) {
      fail(ErrorKind::kConfig, {file_, name}, "a parameter without a name in GGUF files",
           "one of the families in docs/backbones.md");
    }
    const bool reordered = has_gguf_row_order(name, gguf_architecture(model_.spec));
    outputs_.push_back({std::move(plan),
                        &tensor,
                        {.first = first,
                         .count = count,
                         .reordered_head = reordered ? model_.spec.head_dim : 0,
                         .offset = has_gguf_offset(name, model_.spec) ? 1.0F : 0.0F}});
  }

  static int64_t rows_of(const StoredTensor& tensor) { return tensor.shape.at(0); }

  GgmlType type_for(const StoredTensor& tensor, uint64_t columns) const {
    const GgmlType wanted = type_.value_or(tensor.type.value_or(GgmlType::kF32));
    return columns % ggml_type_info(wanted).block_elements == 0 ? wanted : GgmlType::kF16;
  }

  std::string file_;
  std::optional<GgmlType> type_;
  StoredModel model_;
  MergedWeights merged_;
  std::vector<float> divisors_;
  std::vector<Output> outputs_;
};

}  // namespace

void write_gguf_model(const std::filesystem::path& path, const std::filesystem::path& base,
                      const AdapterFile& adapter, std::optional<GgmlType> type,
                      const Provenance& provenance) {
  const Converter converter(path, base, adapter, type);
  write_gguf(path, converter.metadata(base, provenance), converter.plans(),
             [&](size_t i, TensorSink& sink) { converter.fill(i, sink); });
}

}  // namespace telora
