#include "export/merged_folder.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "backbone/stored_model.h"
#include "core/document.h"
#include "core/error.h"
#include "core/files.h"
#include "core/ggml_quantize.h"
#include "core/gguf.h"
#include "core/safetensors_stream.h"
#include "export/hf_config.h"
#include "export/hf_tokenizer.h"
#include "export/merged_weights.h"

namespace telora {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// What a folder may hold besides weights that its users need unchanged.
constexpr const char* kCarried[] = {"generation_config.json",
                                    "tokenizer.json",
                                    "tokenizer_config.json",
                                    "tokenizer.model",
                                    "special_tokens_map.json",
                                    "vocab.json",
                                    "merges.txt",
                                    "added_tokens.json",
                                    "chat_template.jinja",
                                    "LICENSE"};

GgmlType element_type(Dtype dtype) {
  if (dtype == Dtype::kF16) return GgmlType::kF16;
  return dtype == Dtype::kBF16 ? GgmlType::kBF16 : GgmlType::kF32;
}

Dtype stored_dtype(const StoredTensor& tensor) {
  if (tensor.type == GgmlType::kF16) return Dtype::kF16;
  return tensor.type == GgmlType::kBF16 ? Dtype::kBF16 : Dtype::kF32;
}

uint64_t bytes_of(const TensorShape& shape) {
  uint64_t bytes = dtype_bytes(shape.dtype);
  for (const int64_t dim : shape.shape) bytes *= static_cast<uint64_t>(dim);
  return bytes;
}

// Parameters first … last of the model, in one file.
struct Shard {
  std::vector<TensorShape> shapes;
  std::vector<const StoredTensor*> tensors;
  uint64_t bytes = 0;
};

std::vector<Shard> make_shards(const StoredModel& model, const MergedFolderOptions& options) {
  std::vector<Shard> shards(1);
  for (const StoredTensor& tensor : model.tensors) {
    const TensorShape shape{tensor.name, options.dtype.value_or(stored_dtype(tensor)),
                            tensor.shape};
    const uint64_t bytes = bytes_of(shape);
    if (shards.back().bytes > 0 && shards.back().bytes + bytes > options.shard_bytes) {
      shards.emplace_back();
    }
    shards.back().shapes.push_back(shape);
    shards.back().tensors.push_back(&tensor);
    shards.back().bytes += bytes;
  }
  return shards;
}

void append_tensor(const MergedWeights& merged, const StoredTensor& tensor, Dtype dtype,
                   const std::string& file, TensorSink& sink) {
  const GgmlTypeInfo& info = ggml_type_info(element_type(dtype));
  std::vector<std::byte> bytes;
  merged.for_each_piece(tensor, [&](int64_t first, std::span<const float> values) {
    bytes.resize(values.size() * info.block_bytes);
    if (const auto bad = quantize(info.type, values, bytes)) {
      fail(ErrorKind::kData, {file, tensor.name},
           fmt::format("{} at element {}", values[*bad], first + static_cast<int64_t>(*bad)),
           fmt::format("finite values that {} can hold", info.name), "write it as F32 or BF16");
    }
    sink.append(bytes);
  });
}

std::string shard_name(size_t i, size_t count) {
  return count == 1 ? "model.safetensors"
                    : fmt::format("model-{:05}-of-{:05}.safetensors", i + 1, count);
}

void write_index(const fs::path& folder, const std::vector<Shard>& shards) {
  Json map = Json::object();
  uint64_t total = 0;
  for (size_t i = 0; i < shards.size(); ++i) {
    for (const TensorShape& shape : shards[i].shapes)
      map[shape.name] = shard_name(i, shards.size());
    total += shards[i].bytes;
  }
  const Json index = {{"metadata", {{"total_size", total}}}, {"weight_map", map}};
  publish(folder / "model.safetensors.index.json", to_json(index));
}

const char* torch_name(Dtype dtype) {
  if (dtype == Dtype::kF16) return "float16";
  return dtype == Dtype::kBF16 ? "bfloat16" : "float32";
}

// What a GGUF file says, as the files of a folder.
void write_files_of_gguf(const fs::path& folder, const fs::path& base, const DecoderSpec& spec,
                         Dtype dtype) {
  const GgufFile file(base);
  write_hf_tokenizer(folder, file);
  Json config = hf_config(spec);
  config["torch_dtype"] = torch_name(dtype);
  const fs::path generation = folder / "generation_config.json";
  if (fs::exists(generation)) config.update(Json::parse(read_text(generation)));
  publish(folder / "config.json", config.dump(2) + "\n");
  require_config_of(folder, spec);
}

// transformers 4 writes torch_dtype, transformers 5 dtype.
void write_config(const fs::path& folder, const fs::path& base, std::optional<Dtype> dtype) {
  const std::string text = read_text(base / "config.json");
  if (!dtype) return publish(folder / "config.json", text);
  Json config = Json::parse(text);
  config[config.contains("torch_dtype") ? "torch_dtype" : "dtype"] = torch_name(*dtype);
  publish(folder / "config.json", config.dump(2) + "\n");
}

void carry_files(const fs::path& folder, const fs::path& base) {
  for (const char* name : kCarried) {
    std::error_code absent;
    if (fs::is_regular_file(base / name, absent)) publish(folder / name, read_text(base / name));
  }
}

}  // namespace

void write_merged_folder(const fs::path& folder, const fs::path& base, const AdapterFile& adapter,
                         const MergedFolderOptions& options, const Provenance& provenance) {
  const StoredModel model = open_model(base);
  const MergedWeights merged(model, adapter);
  const std::vector<Shard> shards = make_shards(model, options);
  std::map<std::string, std::string> metadata = {{"format", "pt"}};
  for (const auto& [key, value] : provenance) metadata["telora." + key] = value;
  for (size_t i = 0; i < shards.size(); ++i) {
    const fs::path file = folder / shard_name(i, shards.size());
    stream_safetensors(file, shards[i].shapes, metadata, [&](size_t t, TensorSink& sink) {
      append_tensor(merged, *shards[i].tensors[t], shards[i].shapes[t].dtype, file.string(), sink);
    });
  }
  if (shards.size() > 1) write_index(folder, shards);
  if (!fs::is_directory(base)) {
    return write_files_of_gguf(folder, base, model.spec, options.dtype.value_or(Dtype::kF32));
  }
  carry_files(folder, base);
  write_config(folder, base, options.dtype);
}

}  // namespace telora
