#include "export/merged_gguf.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "backbone/gguf_names.h"
#include "backbone/stored_model.h"
#include "core/error.h"
#include "core/ggml_quantize.h"
#include "core/gguf.h"
#include "core/gguf_writer.h"
#include "export/merged_weights.h"

namespace telora {

namespace {

constexpr uint64_t kCopyBytes = uint64_t{1} << 20;

// general.file_type, where most tensors have this type.
uint32_t file_type(GgmlType type) {
  switch (type) {
    case GgmlType::kF16:
      return 1;
    case GgmlType::kQ4_0:
      return 2;
    case GgmlType::kQ4_1:
      return 3;
    case GgmlType::kQ8_0:
      return 7;
    case GgmlType::kQ5_0:
      return 8;
    case GgmlType::kQ5_1:
      return 9;
    case GgmlType::kBF16:
      return 32;
    default:
      return 0;
  }
}

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
    if (type) metadata.set_u32("general.file_type", file_type(*type));
    for (const auto& [key, value] : provenance) metadata.set_string("telora." + key, value);
    return metadata;
  }

  void fill(size_t i, TensorSink& sink) const {
    const GgufTensor& tensor = file_.tensors()[i];
    const GgmlType type = plans_[i].type;
    if (keeps_values(tensor) && type == tensor.type) {
      copy(tensor, sink);
    } else {
      encode(*stored_.at(tensor.name), tensor, type, sink);
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

  // Values come in Hugging Face's order of rows and leave in the file's: pieces hold whole heads.
  void encode(const StoredTensor& stored, const GgufTensor& tensor, GgmlType type,
              TensorSink& sink) const {
    const GgmlTypeInfo& info = ggml_type_info(type);
    const size_t columns = tensor.dims[0];
    std::vector<float> ordered;
    std::vector<std::byte> blocks;
    merged_.for_each_piece(stored, [&](int64_t first, std::span<const float> values) {
      ordered.assign(values.begin(), values.end());
      if (stored.reordered_head > 0) reorder(values, stored, columns, ordered);
      for (float& value : ordered) value += stored.offset;
      blocks.resize(ordered.size() / info.block_elements * info.block_bytes);
      if (const auto bad = quantize(type, ordered, blocks))
        refuse(tensor, info, ordered, first, *bad);
      sink.append(blocks);
    });
  }

  static void reorder(std::span<const float> values, const StoredTensor& stored, size_t columns,
                      std::vector<float>& ordered) {
    for (size_t row = 0; row < values.size() / columns; ++row) {
      const auto to =
          static_cast<size_t>(gguf_row(static_cast<int64_t>(row), stored.reordered_head));
      std::ranges::copy(values.subspan(row * columns, columns),
                        ordered.begin() + static_cast<std::ptrdiff_t>(to * columns));
    }
  }

  [[noreturn]] void refuse(const GgufTensor& tensor, const GgmlTypeInfo& info,
                           const std::vector<float>& values, int64_t first, size_t bad) const {
    fail(ErrorKind::kData, {name_, tensor.name},
         fmt::format("{} at element {}", values[bad], first + static_cast<int64_t>(bad)),
         fmt::format("finite values that {} can hold", info.name), "write it as F32 or BF16");
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
