#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/checked.h"
#include "core/safetensors.h"

namespace telora {

namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kHeaderAlignment = 8;
constexpr size_t kMaxHeaderBytes = 100'000'000;

void check_tensor(const std::string& file, const TensorBytes& tensor) {
  std::optional<uint64_t> bytes = dtype_bytes(tensor.dtype);
  for (const int64_t dim : tensor.shape) {
    bytes = bytes && dim >= 0 ? checked_multiply(*bytes, static_cast<uint64_t>(dim)) : std::nullopt;
  }
  if (bytes != tensor.bytes.size()) {
    fail(ErrorKind::kInternal, {file, tensor.name}, fmt::format("{} bytes", tensor.bytes.size()),
         fmt::format("the bytes of shape [{}] in {}", fmt::join(tensor.shape, ", "),
                     dtype_name(tensor.dtype)));
  }
}

// The reference writer's order: widest type first, then names byte by byte, so that each tensor is
// aligned to its element size.
std::vector<const TensorBytes*> in_file_order(const std::string& file,
                                              const std::vector<TensorBytes>& tensors) {
  std::vector<const TensorBytes*> order;
  for (const TensorBytes& tensor : tensors) order.push_back(&tensor);
  std::ranges::sort(order, [](const TensorBytes* a, const TensorBytes* b) {
    return a->dtype != b->dtype ? a->dtype > b->dtype : a->name < b->name;
  });
  std::vector<std::string_view> names{"__metadata__"};
  for (const TensorBytes& tensor : tensors) names.push_back(tensor.name);
  std::ranges::sort(names);
  const auto twice = std::ranges::adjacent_find(names);
  if (twice != names.end()) {
    fail(ErrorKind::kInternal, {file, std::string(*twice)}, "a tensor name that is taken",
         "each name once");
  }
  return order;
}

Json::object_t header_members(const std::vector<const TensorBytes*>& order,
                              const std::map<std::string, std::string>& metadata) {
  // Appending to the member list avoids a linear search for each name; they are known to differ.
  Json::object_t members;
  if (!metadata.empty()) members.emplace_back("__metadata__", metadata);
  uint64_t begin = 0;
  for (const TensorBytes* tensor : order) {
    const uint64_t end = begin + tensor->bytes.size();
    Json entry;
    entry["dtype"] = dtype_name(tensor->dtype);
    entry["shape"] = tensor->shape;
    entry["data_offsets"] = {begin, end};
    members.emplace_back(tensor->name, std::move(entry));
    begin = end;
  }
  return members;
}

std::string header_text(const std::string& file, const std::vector<const TensorBytes*>& order,
                        const std::map<std::string, std::string>& metadata) {
  std::string text;
  try {
    text = Json(header_members(order, metadata)).dump();
  } catch (const Json::exception& error) {
    fail(ErrorKind::kInternal, {file, "header"}, error.what(), "names in UTF-8");
  }
  text.resize((text.size() + kHeaderAlignment - 1) / kHeaderAlignment * kHeaderAlignment, ' ');
  if (text.size() > kMaxHeaderBytes) {
    fail(ErrorKind::kInternal, {file, "header"}, fmt::format("{} bytes", text.size()),
         fmt::format("at most {}", kMaxHeaderBytes));
  }
  return text;
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, const std::vector<TensorBytes>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  const std::string file = path.string();
  for (const TensorBytes& tensor : tensors) check_tensor(file, tensor);
  const std::vector<const TensorBytes*> order = in_file_order(file, tensors);
  const std::string header = header_text(file, order, metadata);
  const uint64_t length = header.size();
  publish_with(path, [&](OutputFile& output) {
    output.append(std::as_bytes(std::span(&length, 1)));
    output.append(header);
    for (const TensorBytes* tensor : order) output.append(tensor->bytes);
  });
}

}  // namespace telora
