#include "tools/inspect_tensor.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "backbone/stored_model.h"
#include "core/files.h"
#include "core/gguf.h"
#include "core/safetensors.h"
#include "tools/inspect_file.h"

namespace telora {

namespace {

using Json = nlohmann::ordered_json;
using Pieces = std::function<void(std::span<const float>)>;

constexpr int64_t kPieceElements = 1 << 16;  // a multiple of every block

struct Statistics {
  double min = std::numeric_limits<double>::infinity();
  double max = -std::numeric_limits<double>::infinity();
  double sum = 0;
  double squares = 0;
  int64_t finite = 0;
  int64_t not_finite = 0;
};

void count(std::span<const float> values, Statistics& out) {
  for (const double value : values) {
    if (!std::isfinite(value)) {
      ++out.not_finite;
      continue;
    }
    ++out.finite;
    out.min = std::min(out.min, value);
    out.max = std::max(out.max, value);
    out.sum += value;
    out.squares += value * value;
  }
}

[[noreturn]] void refuse_name(const std::string& file, const std::string& name) {
  fail(ErrorKind::kUsage, {"--tensor", ""}, "'" + printable(name, 100) + "'", "a tensor of " + file,
       "lora-inspect file lists them");
}

StoredTensor find_in_gguf(const std::filesystem::path& path, const std::string& name) {
  const auto file = std::make_shared<const GgufFile>(path);
  const GgufTensor* found = file->find(name);
  if (found == nullptr) refuse_name(file->name(), name);
  StoredTensor tensor;
  tensor.stored_name = name;
  tensor.shape.assign(found->dims.rbegin(), found->dims.rend());
  tensor.type = found->type;
  tensor.type_name = ggml_type_info(found->type).name;
  tensor.read = [file, found](uint64_t begin, std::span<std::byte> out) {
    file->read(*found, begin, out);
  };
  return tensor;
}

StoredTensor find_in_safetensors(const std::filesystem::path& path, const std::string& name) {
  const auto file = std::make_shared<const SafetensorsFile>(path);
  const SafetensorsEntry* found = file->find(name);
  if (found == nullptr) refuse_name(file->name(), name);
  StoredTensor tensor;
  tensor.stored_name = name;
  tensor.shape = found->shape;
  tensor.type = weight_type(found->dtype);
  tensor.type_name = dtype_name(found->dtype);
  if (!tensor.type) {
    fail(ErrorKind::kData, {file->name(), printable(name, 100)}, "type " + tensor.type_name,
         "F32, F16 or BF16");
  }
  tensor.read = [file, found](uint64_t begin, std::span<std::byte> out) {
    file->read(*found, begin, out);
  };
  return tensor;
}

// All values in the order of the file. Not for_each_piece(): that one refuses NaN and infinity.
void decode(const StoredTensor& tensor, const Pieces& use) {
  const GgmlTypeInfo& info = ggml_type_info(*tensor.type);
  const int64_t all = element_count(tensor);
  std::vector<float> values(std::min(all, kPieceElements));
  std::vector<std::byte> bytes(values.size() / info.block_elements * info.block_bytes);
  for (int64_t first = 0; first < all; first += kPieceElements) {
    const auto out = std::span(values).first(std::min(kPieceElements, all - first));
    const auto blocks = std::span(bytes).first(out.size() / info.block_elements * info.block_bytes);
    tensor.read(first / info.block_elements * info.block_bytes, blocks);
    dequantize(*tensor.type, blocks, out);
    use(out);
  }
}

Statistics decode_to(const StoredTensor& tensor, const std::filesystem::path& raw) {
  Statistics statistics;
  if (raw.empty()) {
    decode(tensor, [&](std::span<const float> values) { count(values, statistics); });
    return statistics;
  }
  publish_with(raw, [&](OutputFile& out) {
    decode(tensor, [&](std::span<const float> values) {
      count(values, statistics);
      out.append(std::as_bytes(values));
    });
  });
  return statistics;
}

void print_json(const StoredTensor& tensor, const Statistics& s) {
  const auto known = [&](double value) { return s.finite > 0 ? Json(value) : Json(nullptr); };
  const auto n = static_cast<double>(s.finite);
  fmt::print("{}\n", Json{{"name", tensor.stored_name},
                          {"type", tensor.type_name},
                          {"shape", tensor.shape},
                          {"elements", element_count(tensor)},
                          {"not_finite", s.not_finite},
                          {"min", known(s.min)},
                          {"max", known(s.max)},
                          {"mean", known(s.sum / n)},
                          {"rms", known(std::sqrt(s.squares / n))}}
                         .dump());
}

void print_text(const StoredTensor& tensor, const Statistics& s) {
  fmt::print("{}: {} [{}], {} values\n", printable(tensor.stored_name, 100), tensor.type_name,
             fmt::join(tensor.shape, ", "), element_count(tensor));
  if (s.finite > 0) {
    const auto n = static_cast<double>(s.finite);
    fmt::print("  min {:.6g}, max {:.6g}, mean {:.6g}, root mean square {:.6g}\n", s.min, s.max,
               s.sum / n, std::sqrt(s.squares / n));
  }
  if (s.not_finite > 0) fmt::print("  {} values are NaN or infinite\n", s.not_finite);
}

}  // namespace

void inspect_tensor(const std::filesystem::path& path, const std::string& name,
                    const std::filesystem::path& raw, bool json) {
  const StoredTensor tensor =
      is_gguf(path) ? find_in_gguf(path, name) : find_in_safetensors(path, name);
  const Statistics statistics = decode_to(tensor, raw);
  if (json) {
    print_json(tensor, statistics);
  } else {
    print_text(tensor, statistics);
  }
}

}  // namespace telora
