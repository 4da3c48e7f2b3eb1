#include "backbone/hf_shards.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "core/document.h"

namespace telora {

namespace {

namespace fs = std::filesystem;

constexpr const char* kSingle = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";

using WeightMap = std::map<std::string, std::string>;  // tensor to shard file name

bool present(const fs::path& path) {
  std::error_code unreachable;
  return fs::exists(path, unreachable);
}

// A shard is a file of the folder itself: a path could lead anywhere.
bool is_plain_name(const std::string& name) {
  return name.ends_with(".safetensors") && name.find_first_of("/\\") == std::string::npos &&
         name.find('\0') == std::string::npos;
}

WeightMap read_weight_map(const Document& index) {
  Fields fields(index);
  const auto& raw = fields.raw("weight_map");
  if (!raw.is_object()) fields.fail("weight_map", raw.type_name(), "an object");
  WeightMap map;
  for (const auto& [tensor, shard] : raw.items()) {
    const std::string name = shard.is_string() ? shard.get<std::string>() : std::string();
    if (!is_plain_name(name)) {
      fail(index.kind(), index.where("weight_map." + printable(tensor)),
           printable(shard.is_string() ? name : shard.type_name()),
           "the name of a .safetensors file in the same folder");
    }
    map.emplace(tensor, name);
  }
  return map;
}

std::shared_ptr<const SafetensorsFile> open_shard(const fs::path& folder, const Document& index,
                                                  const std::string& tensor,
                                                  const std::string& shard) {
  if (!present(folder / shard)) {
    fail(ErrorKind::kMissing, index.where("weight_map." + printable(tensor)),
         printable(shard) + ", which does not exist", "an existing shard",
         "download the missing file");
  }
  return std::make_shared<const SafetensorsFile>(folder / shard);
}

// No tensor of a shard may be unmapped or mapped elsewhere: it would be read twice or not at all.
void append_mapped(const std::shared_ptr<const SafetensorsFile>& file, const std::string& shard,
                   const Document& index, const WeightMap& map, std::vector<ShardTensor>& out) {
  for (const SafetensorsEntry& entry : file->entries()) {
    const auto mapped = map.find(entry.name);
    if (mapped == map.end() || mapped->second != shard) {
      fail(ErrorKind::kData, index.where("weight_map." + printable(entry.name)),
           mapped == map.end() ? "no entry" : printable(mapped->second),
           printable(shard) + ", which holds this tensor");
    }
    out.push_back({file, &entry});
  }
}

std::vector<ShardTensor> open_mapped(const fs::path& folder, const Document& index) {
  const WeightMap map = read_weight_map(index);
  std::map<std::string, std::shared_ptr<const SafetensorsFile>> files;
  for (const auto& [tensor, shard] : map) {
    auto& file = files[shard];
    if (!file) file = open_shard(folder, index, tensor, shard);
    if (file->find(tensor) == nullptr) {
      fail(ErrorKind::kData, index.where("weight_map." + printable(tensor)),
           printable(shard) + ", which does not hold this tensor", "the shard that holds it");
    }
  }
  std::vector<ShardTensor> out;
  for (const auto& [shard, file] : files) append_mapped(file, shard, index, map, out);
  return out;
}

}  // namespace

std::vector<ShardTensor> open_shards(const fs::path& folder) {
  // The single file wins where both exist, as in transformers.
  if (present(folder / kSingle)) {
    const auto file = std::make_shared<const SafetensorsFile>(folder / kSingle);
    std::vector<ShardTensor> out;
    for (const SafetensorsEntry& entry : file->entries()) out.push_back({file, &entry});
    return out;
  }
  if (present(folder / kIndex)) {
    return open_mapped(
        folder, Document::parse_json(read_text(folder / kIndex), (folder / kIndex).string()));
  }
  const bool pickle = present(folder / "pytorch_model.bin");
  fail(ErrorKind::kMissing, {folder.string(), {}}, pickle ? "only pytorch_model.bin" : "no weights",
       fmt::format("{} or {}", kSingle, kIndex),
       pickle ? "pickle files can run code and are never read: convert it to safetensors" : "");
}

}  // namespace telora
