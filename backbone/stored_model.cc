#include "backbone/stored_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cfloat>
#include <cmath>
#include <functional>
#include <memory>
#include <numeric>
#include <unordered_map>

#include "backbone/gguf_names.h"
#include "backbone/hf_shards.h"
#include "backbone/spec_gguf.h"
#include "backbone/spec_hf.h"
#include "core/error.h"

namespace telora {

namespace {

namespace fs = std::filesystem;

constexpr int64_t kPieceElements = 1 << 16;  // 256 KiB of floats: stays in the second-level cache

// A tensor as rows of `cols` values. A bias whose rows are reordered has rows of one value.
struct Rows {
  int64_t rows;
  int64_t cols;
};

Rows rows_of(const StoredTensor& tensor) {
  if (tensor.shape.size() == 2) return {tensor.shape[0], tensor.shape[1]};
  const int64_t count = element_count(tensor);
  return tensor.reordered_head > 0 ? Rows{count, 1} : Rows{1, count};
}

int64_t rows_a_piece(const StoredTensor& tensor, Rows rows) {
  const int64_t unit = std::max<int64_t>(1, tensor.reordered_head);
  const int64_t wanted = std::max<int64_t>(unit, kPieceElements / rows.cols / unit * unit);
  return std::min(rows.rows, wanted);
}

[[noreturn]] void refuse_value(const StoredTensor& tensor, int64_t index, float value) {
  fail(ErrorKind::kData, {tensor.file, tensor.stored_name},
       fmt::format("{} at element {} of {}", value, index, tensor.name),
       "finite weights of ordinary size", "the file is damaged or its training diverged");
}

void check_finite(const StoredTensor& tensor, float limit, int64_t first,
                  std::span<const float> values) {
  int bad = 0;  // a branch-free pass first: it vectorises
  for (const float value : values) bad |= static_cast<int>(!(std::fabs(value) <= limit));
  if (bad == 0) return;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!(std::fabs(values[i]) <= limit)) {
      refuse_value(tensor, first + static_cast<int64_t>(i), values[i]);
    }
  }
}

// `bytes` hold `out`.size() / cols rows as they are stored; a piece starts at a head's first row.
void decode_rows(const StoredTensor& tensor, int64_t cols, std::span<const std::byte> bytes,
                 std::span<float> out) {
  if (tensor.reordered_head == 0) return dequantize(*tensor.type, bytes, out);
  const size_t row_bytes = bytes.size() * cols / out.size();
  for (size_t row = 0; row < out.size() / cols; ++row) {
    const int64_t stored = gguf_row(static_cast<int64_t>(row), tensor.reordered_head);
    dequantize(*tensor.type, bytes.subspan(stored * row_bytes, row_bytes),
               out.subspan(row * cols, cols));
  }
}

struct Mismatch {
  std::vector<std::string> missing;
  std::vector<std::string> extra;
  std::vector<std::string> misshapen;
  std::vector<std::string> unreadable;
};

void append_list(const std::vector<std::string>& names, std::string_view what, std::string& out) {
  if (names.empty()) return;
  out += fmt::format("{}{} {} ({})", out.empty() ? "" : ", ", names.size(), what,
                     fmt::join(names, ", "));
}

void report(const Mismatch& mismatch, const std::string& file, size_t wanted) {
  std::string found;
  append_list(mismatch.missing, "missing", found);
  append_list(mismatch.extra, "extra", found);
  append_list(mismatch.misshapen, "misshapen", found);
  append_list(mismatch.unreadable, "unreadable", found);
  if (found.empty()) return;
  fail(ErrorKind::kData, {file, "tensors"}, found,
       fmt::format("exactly the {} tensors of the configuration", wanted),
       "configuration and weights must be of the same model");
}

void check_tensor(const StoredTensor& tensor, const std::vector<int64_t>& shape, Mismatch& out) {
  if (tensor.shape != shape) {
    out.misshapen.push_back(fmt::format("{} [{}] instead of [{}]", printable(tensor.stored_name),
                                        fmt::join(tensor.shape, ", "), fmt::join(shape, ", ")));
  } else if (!tensor.type || rows_of(tensor).cols % ggml_type_info(*tensor.type).block_elements) {
    out.unreadable.push_back(
        fmt::format("{} of type {}", printable(tensor.stored_name), tensor.type_name));
  }
}

// Orders `found` as the parameters of `spec`; what is wrong is gathered and reported together.
StoredModel match(DecoderSpec spec, const std::vector<StoredTensor>& found, const std::string& file,
                  const std::function<std::string(const std::string&)>& stored_name) {
  std::unordered_map<std::string, const StoredTensor*> by_name;
  for (const StoredTensor& tensor : found) by_name.emplace(tensor.name, &tensor);
  const std::vector<ParameterShape> wanted = parameter_shapes(spec);
  Mismatch mismatch;
  StoredModel model{std::move(spec), {}};
  for (const ParameterShape& parameter : wanted) {
    const auto it = by_name.find(parameter.name);
    if (it == by_name.end()) {
      mismatch.missing.push_back(stored_name(parameter.name));
      continue;
    }
    check_tensor(*it->second, parameter.shape, mismatch);
    model.tensors.push_back(*it->second);
    by_name.erase(it);
  }
  for (const StoredTensor& tensor : found) {
    if (by_name.contains(tensor.name)) mismatch.extra.push_back(printable(tensor.stored_name));
  }
  report(mismatch, file, wanted.size());
  return model;
}

StoredTensor from_shard(const ShardTensor& shard) {
  StoredTensor out;
  out.name = out.stored_name = shard.entry->name;
  out.file = shard.file->name();
  out.shape = shard.entry->shape;
  out.type = weight_type(shard.entry->dtype);
  out.type_name = dtype_name(shard.entry->dtype);
  out.read = [shard](uint64_t begin, std::span<std::byte> bytes) {
    shard.file->read(*shard.entry, begin, bytes);
  };
  return out;
}

std::vector<float> piece_at(const StoredTensor& tensor, int64_t first, int64_t count) {
  const GgmlTypeInfo& info = ggml_type_info(*tensor.type);
  std::vector<std::byte> bytes(count * info.block_bytes);
  std::vector<float> values(count);
  tensor.read(first * info.block_bytes, bytes);
  dequantize(*tensor.type, bytes, values);
  return values;
}

// A tied model may bring its head all the same; it has to be the embedding, or one of them is
// wrong.
void check_tied_copy(const StoredTensor& head, const StoredTensor& embedding) {
  Mismatch mismatch;
  check_tensor(head, embedding.shape, mismatch);
  report(mismatch, head.file, 1);
  for_each_piece(embedding, FLT_MAX, [&](int64_t first, std::span<const float> values) {
    const std::vector<float> copy = piece_at(head, first, static_cast<int64_t>(values.size()));
    if (std::equal(values.begin(), values.end(), copy.begin())) return;
    fail(ErrorKind::kData, {head.file, "lm_head.weight"}, "values that differ from the embedding",
         "a tied head (tie_word_embeddings is true)", "one of the two is wrong");
  });
}

StoredModel open_folder(const fs::path& folder) {
  DecoderSpec spec = read_hf_spec(folder);
  std::vector<StoredTensor> found;
  std::optional<StoredTensor> spare_head;
  for (const ShardTensor& shard : open_shards(folder)) {
    // Old Llama checkpoints carry the frequencies, which the configuration determines.
    if (shard.entry->name.ends_with("rotary_emb.inv_freq")) continue;
    StoredTensor tensor = from_shard(shard);
    if (spec.tied_head && tensor.name == "lm_head.weight") {
      spare_head = std::move(tensor);
    } else {
      found.push_back(std::move(tensor));
    }
  }
  StoredModel model =
      match(std::move(spec), found, folder.string(), [](const std::string& name) { return name; });
  if (spare_head) check_tied_copy(*spare_head, model.tensors.front());
  return model;
}

// GGML counts dimensions from the innermost and may drop trailing ones.
std::vector<int64_t> row_major(const std::vector<uint64_t>& dims) {
  std::vector<int64_t> shape(dims.rbegin(), dims.rend());
  while (shape.size() > 1 && shape.front() == 1) shape.erase(shape.begin());
  return shape;
}

StoredTensor from_gguf(const std::shared_ptr<const GgufFile>& file, const GgufTensor& tensor) {
  StoredTensor out;
  out.name = out.stored_name = tensor.name;
  out.file = file->name();
  out.shape = row_major(tensor.dims);
  out.type = tensor.type;
  out.type_name = ggml_type_info(tensor.type).name;
  out.read = [file, &tensor](uint64_t begin, std::span<std::byte> bytes) {
    file->read(tensor, begin, bytes);
  };
  return out;
}

StoredModel open_gguf(const fs::path& path) {
  const auto file = std::make_shared<const GgufFile>(path);
  DecoderSpec spec = read_gguf_spec(*file);
  std::unordered_map<std::string, std::string> names;  // GGUF to Hugging Face
  for (const ParameterShape& parameter : parameter_shapes(spec)) {
    names.emplace(gguf_name(parameter.name, spec.norm_placement), parameter.name);
  }
  std::vector<StoredTensor> found;
  for (const GgufTensor& tensor : file->tensors()) {
    if (tensor.name == "rope_freqs.weight") continue;  // in spec.rope_divisors
    found.push_back(from_gguf(file, tensor));
    const auto it = names.find(tensor.name);
    // A name of no parameter gets a prefix, so that it cannot pass for a Hugging Face name.
    found.back().name = it == names.end() ? "gguf:" + tensor.name : it->second;
    if (has_gguf_row_order(found.back().name, spec.architecture)) {
      found.back().reordered_head = spec.head_dim;
    }
    if (has_gguf_offset(found.back().name, spec)) found.back().offset = 1;
  }
  const NormPlacement placement = spec.norm_placement;
  return match(std::move(spec), found, file->name(),
               [placement](const std::string& name) { return gguf_name(name, placement); });
}

}  // namespace

std::optional<GgmlType> weight_type(Dtype dtype) {
  if (dtype == Dtype::kF32) return GgmlType::kF32;
  if (dtype == Dtype::kF16) return GgmlType::kF16;
  if (dtype == Dtype::kBF16) return GgmlType::kBF16;
  return std::nullopt;
}

int64_t element_count(const StoredTensor& tensor) {
  return std::accumulate(tensor.shape.begin(), tensor.shape.end(), int64_t{1}, std::multiplies<>());
}

void read_rows(const StoredTensor& tensor, float limit, int64_t first, std::span<float> out) {
  const Rows rows = rows_of(tensor);
  const GgmlTypeInfo& info = ggml_type_info(*tensor.type);
  const int64_t row_bytes = rows.cols / info.block_elements * info.block_bytes;
  const int64_t row = first / rows.cols, count = std::ssize(out) / rows.cols;
  std::vector<std::byte> bytes(count * row_bytes);
  tensor.read(row * row_bytes, bytes);
  decode_rows(tensor, rows.cols, bytes, out);
  if (tensor.offset != 0) {
    for (float& value : out) value -= tensor.offset;
  }
  check_finite(tensor, limit, first, out);
}

void for_each_piece(const StoredTensor& tensor, float limit,
                    const std::function<void(int64_t, std::span<const float>)>& use) {
  const Rows rows = rows_of(tensor);
  const int64_t step = rows_a_piece(tensor, rows);
  std::vector<float> values(step * rows.cols);
  for (int64_t row = 0; row < rows.rows; row += step) {
    const std::span<float> out(values.data(), std::min(step, rows.rows - row) * rows.cols);
    read_rows(tensor, limit, row * rows.cols, out);
    use(row * rows.cols, out);
  }
}

StoredModel open_model(const fs::path& path) {
  std::error_code unreadable;  // then opening says what is wrong
  if (fs::is_directory(path, unreadable)) return open_folder(path);
  if (path.extension() == ".safetensors") {
    fail(ErrorKind::kData, {path.string(), {}}, "a single weights file",
         "the model's folder, or a .gguf file", "its config.json is needed too");
  }
  return open_gguf(path);
}

}  // namespace telora
