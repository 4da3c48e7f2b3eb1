#include "export/merged_gguf.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "backbone/stored_model.h"
#include "core/error.h"
#include "core/ggml_quantize.h"
#include "core/gguf.h"
#include "core/gguf_writer.h"
#include "export/gguf_model_metadata.h"
#include "export/gguf_rows.h"
#include "export/merged_weights.h"

namespace telora {

namespace {

constexpr uint64_t kCopyBytes = uint64_t{1} << 20;

class Merger {
 public:
  Merger(const std::filesystem::path& path, const std::filesystem::path& base,
         const AdapterFile& adapter, std::optional<GgmlType> type)
      : name_(path.string()), file_(base), model_(open_model(base)), merged_(model_, adapter) {
    for (const StoredTensor& tensor : model_.tensors) stored_[tensor.stored_name] = &tensor;
    for (const GgufTensor& tensor : file_.tensors()) {
      plans_.push_back({tensor.name, tensor.dims, type_of(tensor, type)});
      check(tensor, plans_.back().type);
    }
  }

  GgufMetadata metadata(std::optional<GgmlType> type, const Provenance& provenance) const {
    GgufMetadata metadata;
    for (const std::string& key : file_.keys()) {
      if (key != "general.alignment") metadata.copy(file_, key);
    }
    if (type) metadata.set_u32("general.file_type", gguf_file_type(*type));
    for (const auto& [key, value] : provenance) metadata.set_string("telora." + key, value);
    return metadata;
  }

  void fill(size_t i, TensorSink& sink) const {
    const GgufTensor& tensor = file_.tensors()[i];
    const GgmlType type = plans_[i].type;
    if (keeps_values(tensor) && type == tensor.type) {
      copy(tensor, sink);
    } else {
      const StoredTensor& stored = *stored_.at(tensor.name);
      const int64_t rows = stored.shape.size() == 2 ? stored.shape[0] : element_count(stored);
      append_rows(merged_, stored, {0, rows, stored.reordered_head, stored.offset}, plans_[i],
                  name_, sink);
    }
  }

  const std::vector<GgufTensorPlan>& plans() const { return plans_; }

 private:
  // rope_freqs.weight is no parameter.
  bool keeps_values(const GgufTensor& tensor) const {
    const auto found = stored_.find(tensor.name);
    return found == stored_.end() || !merged_.changes(*found->second);
  }

  GgmlType type_of(const GgufTensor& tensor, std::optional<GgmlType> wanted) const {
    const bool matrix = tensor.dims.size() == 2 && stored_.contains(tensor.name);
    if (!wanted || !matrix) return tensor.type;
    const bool fits = tensor.dims[0] % ggml_type_info(*wanted).block_elements == 0;
    return fits ? *wanted : GgmlType::kF16;
  }

  void check(const GgufTensor& tensor, GgmlType type) const {
    if (can_quantize(type) || (keeps_values(tensor) && type == tensor.type)) return;
    const std::string_view type_name = ggml_type_info(type).name;
    fail(ErrorKind::kConfig, {file_.name(), tensor.name}, fmt::format("type {}", type_name),
         "a type that is written here: F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0 or Q5_1",
         fmt::format("write F16, then: llama-quantize merged-f16.gguf merged.gguf {}", type_name));
  }

  void copy(const GgufTensor& tensor, TensorSink& sink) const {
    std::vector<std::byte> bytes(std::min(kCopyBytes, tensor.bytes));
    for (uint64_t at = 0; at < tensor.bytes; at += bytes.size()) {
      const std::span<std::byte> part(bytes.data(),
                                      std::min<uint64_t>(bytes.size(), tensor.bytes - at));
      file_.read(tensor, at, part);
      sink.append(part);
    }
  }

  std::string name_;
  GgufFile file_;
  StoredModel model_;
  MergedWeights merged_;
  std::unordered_map<std::string, const StoredTensor*> stored_;  // by name in the file
  std::vector<GgufTensorPlan> plans_;
};

}  // namespace

void write_merged_gguf(const std::filesystem::path& path, const std::filesystem::path& base,
                       const AdapterFile& adapter, std::optional<GgmlType> type,
                       const Provenance& provenance) {
  const Merger merger(path, base, adapter, type);
  write_gguf(path, merger.metadata(type, provenance), merger.plans(),
             [&](size_t i, TensorSink& sink) { merger.fill(i, sink); });
}

}  // namespace telora
