#include "core/gguf_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/gguf.h"
#include "core/text.h"

namespace telora {

namespace {

constexpr uint64_t kAlignment = 32;
constexpr size_t kMaxNameBytes = 63;  // what ggml reads
constexpr uint32_t kVersion = 3;

// Value types of the format.
constexpr uint32_t kU32 = 4, kI32 = 5, kF32 = 6, kBool = 7, kString = 8, kArray = 9;

template <typename T>
std::string little(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

std::string text(std::string_view value) {
  if (find_invalid_utf8(value) != std::string_view::npos) {
    fail(ErrorKind::kInternal, {"gguf", "string"}, "bytes that are no UTF-8", "UTF-8");
  }
  return little(uint64_t{value.size()}) + std::string(value);
}

template <typename T, typename Encode>
std::string array(uint32_t type, const std::vector<T>& values, const Encode& encode) {
  std::string bytes = little(kArray) + little(type) + little(uint64_t{values.size()});
  for (const auto& value : values) bytes += encode(value);
  return bytes;
}

uint64_t padded(uint64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace

void GgufMetadata::set(const std::string& key, std::string encoded) {
  const auto plain = [](char c) { return c > 0x20 && c < 0x7f; };
  if (key.empty() || !std::ranges::all_of(key, plain)) {
    fail(ErrorKind::kInternal, {"gguf", "key"}, printable(key), "printable ASCII");
  }
  const auto found = std::ranges::find(pairs_, key, &std::pair<std::string, std::string>::first);
  if (found != pairs_.end()) {
    found->second = std::move(encoded);
  } else {
    pairs_.emplace_back(key, std::move(encoded));
  }
}

void GgufMetadata::set_string(const std::string& key, std::string_view value) {
  set(key, little(kString) + text(value));
}

void GgufMetadata::set_bool(const std::string& key, bool value) {
  set(key, little(kBool) + std::string(1, value ? '\1' : '\0'));
}

void GgufMetadata::set_u32(const std::string& key, uint32_t value) {
  set(key, little(kU32) + little(value));
}

void GgufMetadata::set_f32(const std::string& key, float value) {
  set(key, little(kF32) + little(value));
}

void GgufMetadata::set_bools(const std::string& key, const std::vector<bool>& values) {
  set(key, array(kBool, values, [](bool value) { return std::string(1, value ? '\1' : '\0'); }));
}

void GgufMetadata::set_strings(const std::string& key, const std::vector<std::string>& values) {
  set(key, array(kString, values, [](const std::string& value) { return text(value); }));
}

void GgufMetadata::set_i32s(const std::string& key, const std::vector<int32_t>& values) {
  set(key, array(kI32, values, little<int32_t>));
}

void GgufMetadata::set_f32s(const std::string& key, const std::vector<float>& values) {
  set(key, array(kF32, values, little<float>));
}

void GgufMetadata::copy(const GgufFile& file, const std::string& key) {
  set(key, file.encoded(key));
}

void GgufMetadata::remove(const std::string& key) {
  std::erase_if(pairs_, [&](const auto& pair) { return pair.first == key; });
}

bool GgufMetadata::has(const std::string& key) const {
  return std::ranges::any_of(pairs_, [&](const auto& pair) { return pair.first == key; });
}

uint64_t GgufTensorPlan::bytes() const {
  const GgmlTypeInfo& info = ggml_type_info(type);
  uint64_t elements = 1;
  for (const uint64_t dim : dims) elements *= dim;
  return elements / info.block_elements * info.block_bytes;
}

class GgufWriter {
 public:
  GgufWriter(const std::string& file, const GgufMetadata& metadata,
             const std::vector<GgufTensorPlan>& tensors)
      : file_(file), metadata_(metadata), tensors_(tensors) {
    if (metadata.has("general.alignment")) {
      fail(ErrorKind::kInternal, {file_, "general.alignment"}, "set", "left out: it is 32");
    }
    std::set<std::string_view> names;
    for (const GgufTensorPlan& tensor : tensors) {
      check(tensor);
      if (names.insert(tensor.name).second) continue;
      fail(ErrorKind::kInternal, {file_, tensor.name}, "the name twice", "each name once");
    }
  }

  std::string header() const {
    std::string bytes = "GGUF" + little(kVersion) + little(uint64_t{tensors_.size()});
    bytes += little(uint64_t{metadata_.pairs_.size()});
    for (const auto& [key, value] : metadata_.pairs_) bytes += text(key) + value;
    uint64_t offset = 0;
    for (const GgufTensorPlan& tensor : tensors_) {
      bytes += text(tensor.name) + little(static_cast<uint32_t>(tensor.dims.size()));
      for (const uint64_t dim : tensor.dims) bytes += little(dim);
      bytes += little(static_cast<uint32_t>(tensor.type)) + little(offset);
      offset += padded(tensor.bytes());
    }
    if (!tensors_.empty()) bytes.resize(padded(bytes.size()), '\0');
    return bytes;
  }

  void write(OutputFile& output, const std::function<void(size_t, TensorSink&)>& fill) const {
    output.append(header());
    for (size_t i = 0; i < tensors_.size(); ++i) {
      TensorSink sink(output);
      fill(i, sink);
      const uint64_t wanted = tensors_[i].bytes();
      if (sink.size() != wanted) {
        fail(ErrorKind::kInternal, {file_, tensors_[i].name}, fmt::format("{} bytes", sink.size()),
             fmt::format("{}", wanted));
      }
      output.append(std::string(padded(wanted) - wanted, '\0'));
    }
  }

 private:
  void check(const GgufTensorPlan& tensor) const {
    if (tensor.name.size() > kMaxNameBytes) {
      fail(ErrorKind::kData, {file_, printable(tensor.name, 100)},
           fmt::format("a tensor name of {} bytes", tensor.name.size()),
           fmt::format("at most {}", kMaxNameBytes));
    }
    const GgmlTypeInfo& info = ggml_type_info(tensor.type);
    if (tensor.dims.empty() || tensor.dims[0] % info.block_elements != 0) {
      fail(ErrorKind::kData, {file_, tensor.name},
           tensor.dims.empty() ? "no dimension" : fmt::format("rows of {}", tensor.dims[0]),
           fmt::format("a multiple of {} for {}", info.block_elements, info.name),
           "choose another type for this tensor");
    }
  }

  const std::string& file_;
  const GgufMetadata& metadata_;
  const std::vector<GgufTensorPlan>& tensors_;
};

void write_gguf(const std::filesystem::path& path, const GgufMetadata& metadata,
                const std::vector<GgufTensorPlan>& tensors,
                const std::function<void(size_t, TensorSink&)>& fill) {
  const std::string file = path.string();
  const GgufWriter writer(file, metadata, tensors);
  publish_with(path, [&](OutputFile& output) { writer.write(output, fill); });
}

}  // namespace telora
