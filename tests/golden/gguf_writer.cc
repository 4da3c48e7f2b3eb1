#include "tests/golden/gguf_writer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "core/error.h"
#include "core/files.h"

namespace telora::golden {

namespace {

constexpr size_t kAlignment = 32;
constexpr size_t kBlock = 32;

enum ValueType : uint32_t { kU32 = 4, kF32 = 6, kBool = 7, kString = 8, kArray = 9 };

template <typename T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void put_string(std::string& out, const std::string& text) {
  put<uint64_t>(out, text.size());
  out += text;
}

void pad(std::string& out) { out.resize((out.size() + kAlignment - 1) / kAlignment * kAlignment); }

// Q8_0: half scale, 32 signed bytes.
void put_q8_0(std::string& out, std::span<const float> x) {
  float largest = 0;
  for (const float value : x) largest = std::max(largest, std::fabs(value));
  const float scale = largest / 127;
  const float inverse = scale != 0 ? 1 / scale : 0;
  put(out, float_to_half(scale));
  for (const float value : x) put(out, static_cast<int8_t>(std::round(value * inverse)));
}

// Element j in the low half of byte j, element j + 16 in the high half.
void put_nibbles(std::string& out, const std::array<uint8_t, kBlock>& q) {
  for (size_t j = 0; j < kBlock / 2; ++j) put<uint8_t>(out, q[j] | q[j + kBlock / 2] << 4);
}

// Q4_0: half scale; the value of largest magnitude becomes -8.
void put_q4_0(std::string& out, std::span<const float> x) {
  const float extreme = *std::max_element(
      x.begin(), x.end(), [](float a, float b) { return std::fabs(a) < std::fabs(b); });
  const float scale = extreme / -8;
  const float inverse = scale != 0 ? 1 / scale : 0;
  std::array<uint8_t, kBlock> q{};
  for (size_t j = 0; j < kBlock; ++j) {
    q[j] = static_cast<uint8_t>(std::min(15, static_cast<int>(x[j] * inverse + 8.5F)));
  }
  put(out, float_to_half(scale));
  put_nibbles(out, q);
}

// Q4_1: half scale and half minimum.
void put_q4_1(std::string& out, std::span<const float> x) {
  const auto [min, max] = std::minmax_element(x.begin(), x.end());
  const float scale = (*max - *min) / 15;
  const float inverse = scale != 0 ? 1 / scale : 0;
  std::array<uint8_t, kBlock> q{};
  for (size_t j = 0; j < kBlock; ++j) {
    q[j] = static_cast<uint8_t>(std::min(15, static_cast<int>((x[j] - *min) * inverse + 0.5F)));
  }
  put(out, float_to_half(scale));
  put(out, float_to_half(*min));
  put_nibbles(out, q);
}

void put_block(GgmlType type, std::string& out, std::span<const float> block) {
  if (type == GgmlType::kF32) return put(out, block[0]);
  if (type == GgmlType::kF16) return put(out, float_to_half(block[0]));
  if (type == GgmlType::kBF16) return put(out, float_to_bfloat16(block[0]));
  if (type == GgmlType::kQ8_0) return put_q8_0(out, block);
  if (type == GgmlType::kQ4_0) return put_q4_0(out, block);
  if (type == GgmlType::kQ4_1) return put_q4_1(out, block);
  fail(ErrorKind::kInternal, {"quantize", {}}, ggml_type_info(type).name, "a type with an encoder");
}

}  // namespace

void GgufWriter::begin(const std::string& key, uint32_t type) {
  ++pairs_;
  put_string(metadata_, key);
  put(metadata_, type);
}

void GgufWriter::set_u32(const std::string& key, uint32_t value) {
  begin(key, kU32);
  put(metadata_, value);
}

void GgufWriter::set_u32s(const std::string& key, const std::vector<uint32_t>& values) {
  begin(key, kArray);
  put<uint32_t>(metadata_, kU32);
  put<uint64_t>(metadata_, values.size());
  for (const uint32_t value : values) put(metadata_, value);
}

void GgufWriter::set_f32(const std::string& key, float value) {
  begin(key, kF32);
  put(metadata_, value);
}

void GgufWriter::set_bool(const std::string& key, bool value) {
  begin(key, kBool);
  put<uint8_t>(metadata_, value ? 1 : 0);
}

void GgufWriter::set_bools(const std::string& key, const std::vector<bool>& values) {
  begin(key, kArray);
  put<uint32_t>(metadata_, kBool);
  put<uint64_t>(metadata_, values.size());
  for (const bool value : values) put<uint8_t>(metadata_, value ? 1 : 0);
}

void GgufWriter::set_string(const std::string& key, const std::string& value) {
  begin(key, kString);
  put_string(metadata_, value);
}

void GgufWriter::set_strings(const std::string& key, const std::vector<std::string>& values) {
  begin(key, kArray);
  put<uint32_t>(metadata_, kString);
  put<uint64_t>(metadata_, values.size());
  for (const std::string& value : values) put_string(metadata_, value);
}

void GgufWriter::add_tensor(const std::string& name, const std::vector<uint64_t>& dims,
                            GgmlType type, std::string bytes) {
  tensors_.push_back({name, dims, type, std::move(bytes)});
}

std::string GgufWriter::bytes() const {
  std::string out = "GGUF";
  put<uint32_t>(out, 3);
  put<uint64_t>(out, tensors_.size());
  put<uint64_t>(out, pairs_);
  out += metadata_;
  std::string data;
  for (const Tensor& tensor : tensors_) {
    put_string(out, tensor.name);
    put<uint32_t>(out, tensor.dims.size());
    for (const uint64_t dim : tensor.dims) put(out, dim);
    put(out, static_cast<uint32_t>(tensor.type));
    put<uint64_t>(out, data.size());
    data += tensor.bytes;
    pad(data);
  }
  if (!tensors_.empty()) pad(out);
  return out + data;
}

void GgufWriter::write(const std::filesystem::path& path) const { publish(path, bytes()); }

std::string quantize(GgmlType type, std::span<const float> values) {
  const size_t block = ggml_type_info(type).block_elements;
  std::string out;
  for (size_t i = 0; i + block <= values.size(); i += block) {
    put_block(type, out, values.subspan(i, block));
  }
  return out;
}

}  // namespace telora::golden
