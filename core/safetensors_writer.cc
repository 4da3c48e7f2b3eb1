#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/checked.h"
#include "core/safetensors_stream.h"

namespace telora {

namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kHeaderAlignment = 8;
constexpr size_t kMaxHeaderBytes = 100'000'000;

// A tensor's place in the header.
struct Entry {
  std::string_view name;
  Dtype dtype;
  std::span<const int64_t> shape;
  uint64_t bytes;
  std::span<const std::byte> data;  // empty where it is not in memory
  size_t index = 0;                 // among the tensors as they were given
};

std::optional<uint64_t> bytes_of(Dtype dtype, std::span<const int64_t> shape) {
  std::optional<uint64_t> bytes = dtype_bytes(dtype);
  for (const int64_t dim : shape) {
    bytes = bytes && dim >= 0 ? checked_multiply(*bytes, static_cast<uint64_t>(dim)) : std::nullopt;
  }
  return bytes;
}

Entry entry_of(const std::string& file, const TensorBytes& tensor) {
  if (bytes_of(tensor.dtype, tensor.shape) != tensor.bytes.size()) {
    fail(ErrorKind::kInternal, {file, tensor.name}, fmt::format("{} bytes", tensor.bytes.size()),
         fmt::format("the bytes of shape [{}] in {}", fmt::join(tensor.shape, ", "),
                     dtype_name(tensor.dtype)));
  }
  return {tensor.name, tensor.dtype, tensor.shape, tensor.bytes.size(), tensor.bytes};
}

Entry entry_of(const std::string& file, const TensorShape& tensor) {
  const auto bytes = bytes_of(tensor.dtype, tensor.shape);
  if (!bytes) {
    fail(ErrorKind::kInternal, {file, tensor.name},
         fmt::format("shape [{}]", fmt::join(tensor.shape, ", ")), "fewer than 2^64 bytes");
  }
  return {tensor.name, tensor.dtype, tensor.shape, *bytes, {}};
}

// The reference writer's order: widest type first, then names byte by byte, so that each tensor is
// aligned to its element size.
template <typename Tensor>
std::vector<Entry> in_file_order(const std::string& file, const std::vector<Tensor>& tensors) {
  std::vector<Entry> order;
  for (const Tensor& tensor : tensors) {
    order.push_back(entry_of(file, tensor));
    order.back().index = order.size() - 1;
  }
  std::ranges::sort(order, [](const Entry& a, const Entry& b) {
    return a.dtype != b.dtype ? a.dtype > b.dtype : a.name < b.name;
  });
  std::vector<std::string_view> names{"__metadata__"};
  for (const Entry& entry : order) names.push_back(entry.name);
  std::ranges::sort(names);
  const auto twice = std::ranges::adjacent_find(names);
  if (twice != names.end()) {
    fail(ErrorKind::kInternal, {file, std::string(*twice)}, "a tensor name that is taken",
         "each name once");
  }
  return order;
}

Json::object_t header_members(const std::vector<Entry>& order,
                              const std::map<std::string, std::string>& metadata) {
  // Appending to the member list avoids a linear search for each name; they are known to differ.
  Json::object_t members;
  if (!metadata.empty()) members.emplace_back("__metadata__", metadata);
  uint64_t begin = 0;
  for (const Entry& entry : order) {
    Json fields;
    fields["dtype"] = dtype_name(entry.dtype);
    fields["shape"] = std::vector<int64_t>(entry.shape.begin(), entry.shape.end());
    fields["data_offsets"] = {begin, begin + entry.bytes};
    members.emplace_back(std::string(entry.name), std::move(fields));
    begin += entry.bytes;
  }
  return members;
}

std::string header_text(const std::string& file, const std::vector<Entry>& order,
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

void publish_entries(const std::filesystem::path& path, const std::vector<Entry>& order,
                     const std::map<std::string, std::string>& metadata,
                     const std::function<void(const Entry&, TensorSink&)>& fill) {
  const std::string file = path.string();
  const std::string header = header_text(file, order, metadata);
  const uint64_t length = header.size();
  publish_with(path, [&](OutputFile& output) {
    output.append(std::as_bytes(std::span(&length, 1)));
    output.append(header);
    for (const Entry& entry : order) {
      TensorSink sink(output);
      fill(entry, sink);
      if (sink.size() == entry.bytes) continue;
      fail(ErrorKind::kInternal, {file, std::string(entry.name)},
           fmt::format("{} bytes", sink.size()), fmt::format("{}", entry.bytes));
    }
  });
}

}  // namespace

uint64_t safetensors_bytes(const std::vector<TensorShape>& tensors,
                           const std::map<std::string, std::string>& metadata) {
  const std::vector<Entry> order = in_file_order("safetensors", tensors);
  uint64_t bytes = sizeof(uint64_t) + header_text("safetensors", order, metadata).size();
  for (const Entry& entry : order) bytes += entry.bytes;
  return bytes;
}

void write_safetensors(const std::filesystem::path& path, const std::vector<TensorBytes>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  publish_entries(path, in_file_order(path.string(), tensors), metadata,
                  [](const Entry& entry, TensorSink& sink) { sink.append(entry.data); });
}

void stream_safetensors(const std::filesystem::path& path, const std::vector<TensorShape>& tensors,
                        const std::map<std::string, std::string>& metadata,
                        const std::function<void(size_t, TensorSink&)>& fill) {
  publish_entries(path, in_file_order(path.string(), tensors), metadata,
                  [&](const Entry& entry, TensorSink& sink) { fill(entry.index, sink); });
}

}  // namespace telora
