#include "tools/inspect_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>
#include <type_traits>

#include "core/files.h"
#include "core/gguf.h"
#include "core/safetensors.h"
#include "core/text.h"

namespace telora {

namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kShownText = 100;    // bytes of a metadata string
constexpr size_t kShownElements = 4;  // of a metadata array

struct TensorRow {
  std::string name;
  std::string type;
  std::vector<int64_t> shape;  // row-major
  uint64_t bytes = 0;
};

struct Contents {
  std::string format;
  Json metadata = Json::object();
  std::vector<TensorRow> tensors;
};

// Without looking for the key, which is new: an ordered object searches from its beginning.
void add(Json& object, const std::string& key, Json value) {
  object.get_ref<Json::object_t&>().emplace_back(key, std::move(value));
}

Contents read_gguf(const std::filesystem::path& path) {
  const GgufFile file(path);
  Contents contents;
  contents.format = "gguf";
  for (const std::string& key : file.keys()) {
    add(contents.metadata, key,
        std::visit([](const auto& value) { return Json(value); }, file.value(key)));
  }
  for (const GgufTensor& tensor : file.tensors()) {
    contents.tensors.push_back({tensor.name,
                                std::string(ggml_type_info(tensor.type).name),
                                {tensor.dims.rbegin(), tensor.dims.rend()},
                                tensor.bytes});
  }
  return contents;
}

Contents read_safetensors(const std::filesystem::path& path) {
  const SafetensorsFile file(path);
  Contents contents;
  contents.format = "safetensors";
  for (const auto& [key, value] : file.metadata()) add(contents.metadata, key, value);
  for (const SafetensorsEntry& entry : file.entries()) {
    contents.tensors.push_back(
        {entry.name, std::string(dtype_name(entry.dtype)), entry.shape, entry.bytes});
  }
  return contents;
}

Json to_json(const Contents& contents) {
  Json tensors = Json::array();
  for (const TensorRow& row : contents.tensors) {
    tensors.push_back(
        {{"name", row.name}, {"type", row.type}, {"shape", row.shape}, {"bytes", row.bytes}});
  }
  return {{"format", contents.format}, {"metadata", contents.metadata}, {"tensors", tensors}};
}

std::string dump(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string shown(const Json& value) {
  if (value.is_string()) return printable(value.get<std::string>(), kShownText);
  if (!value.is_array()) return dump(value);
  std::vector<std::string> first;
  for (size_t i = 0; i < std::min(kShownElements, value.size()); ++i)
    first.push_back(shown(value[i]));
  return fmt::format("[{}{}] ({})", fmt::join(first, ", "),
                     value.size() > first.size() ? ", ..." : "", value.size());
}

void print_text(const Contents& contents) {
  uint64_t bytes = 0;
  std::map<std::string, size_t> types;
  for (const TensorRow& row : contents.tensors) {
    bytes += row.bytes;
    ++types[row.type];
  }
  std::vector<std::string> counts;
  for (const auto& [type, count] : types) counts.push_back(fmt::format("{} {}", count, type));
  fmt::print("{}: {} tensors ({}), {} bytes of values\n", contents.format, contents.tensors.size(),
             fmt::join(counts, ", "), bytes);
  for (const auto& [key, value] : contents.metadata.items()) {
    fmt::print("  {} = {}\n", printable(key, kShownText), shown(value));
  }
  for (const TensorRow& row : contents.tensors) {
    fmt::print("  {:<48} {:<6} {:>16} {:>12}\n", printable(row.name, kShownText), row.type,
               fmt::format("[{}]", fmt::join(row.shape, ", ")), row.bytes);
  }
}

}  // namespace

bool is_gguf(const std::filesystem::path& path) {
  const InputFile file(path);
  std::array<char, 4> magic{};
  if (file.size() < magic.size()) return false;
  file.read(0, std::as_writable_bytes(std::span(magic)));
  return std::string_view(magic.data(), magic.size()) == "GGUF";
}

void inspect_file(const std::filesystem::path& path, bool json) {
  const Contents contents = is_gguf(path) ? read_gguf(path) : read_safetensors(path);
  if (json) {
    fmt::print("{}\n", dump(to_json(contents)));
  } else {
    print_text(contents);
  }
}

}  // namespace telora
