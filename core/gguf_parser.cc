#include "core/gguf_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "core/checked.h"
#include "core/text.h"

namespace telora {

namespace {

constexpr uint64_t kMaxPairs = uint64_t{1} << 18;
constexpr uint64_t kMaxTensors = uint64_t{1} << 16;
constexpr uint64_t kMaxKeyBytes = 65'535;
constexpr uint64_t kMaxStringBytes = uint64_t{1} << 26;
constexpr uint64_t kMaxArrayElements = uint64_t{1} << 24;
constexpr uint64_t kMaxNarrowElements = uint64_t{1} << 22;  // one byte in the file, eight in memory
constexpr uint64_t kMaxTensorNameBytes = 63;
constexpr uint32_t kMaxDims = 4;
constexpr uint64_t kMaxAlignment = uint64_t{1} << 20;
// The shortest pair: key length, one byte of key, type, one byte of value.
constexpr uint64_t kSmallestPair = 8 + 1 + 4 + 1;
// The shortest tensor entry: name length, one byte of name, rank, one dimension, type, offset.
constexpr uint64_t kSmallestTensor = 8 + 1 + 4 + 8 + 4 + 8;

enum ValueType : uint32_t {
  kU8 = 0,
  kI8 = 1,
  kU16 = 2,
  kI16 = 3,
  kU32 = 4,
  kI32 = 5,
  kF32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kU64 = 10,
  kI64 = 11,
  kF64 = 12,
};

// Bytes that one element takes at least; 0 for a type that is unknown or cannot be an element.
uint64_t smallest_element(uint32_t type) {
  constexpr std::array<uint64_t, 13> kBytes{1, 1, 2, 2, 4, 4, 4, 1, 8, 0, 8, 8, 8};
  return type < kBytes.size() ? kBytes[type] : 0;
}

std::optional<uint64_t> round_up(uint64_t value, uint64_t multiple) {
  const std::optional<uint64_t> sum = checked_add(value, multiple - 1);
  return sum ? std::optional(*sum / multiple * multiple) : std::nullopt;
}

std::string decodable_types() {
  std::string names;
  for (uint32_t code = 0; code < 64; ++code) {
    if (const auto info = find_ggml_type(code)) {
      names += (names.empty() ? "" : ", ") + std::string(info->name);
    }
  }
  return names;
}

}  // namespace

void GgufParser::parse() {
  read_version();
  const uint64_t tensors = read_count("header.tensor_count", kSmallestTensor, kMaxTensors);
  const uint64_t pairs = read_count("header.metadata_kv_count", kSmallestPair, kMaxPairs);
  for (uint64_t i = 0; i < pairs; ++i) read_pair(i);
  for (uint64_t i = 0; i < tensors; ++i) read_tensor(i);
  place_data();
}

void GgufParser::read_version() {
  reader_.at("header.magic");
  const std::string magic = reader_.text(4);
  if (magic != "GGUF") {
    reader_.fail(fmt::format("\"{}\"", printable(magic)), "\"GGUF\"", "this is not a GGUF file");
  }
  reader_.at("header.version");
  const auto version = reader_.number<uint32_t>();
  if (version == 2 || version == 3) return;
  const bool swapped = version != 0 && (version & 0xffff) == 0;
  reader_.fail(std::to_string(version), "2 or 3",
               swapped ? "the file is big-endian: convert it to little-endian" : "");
}

uint64_t GgufParser::read_count(const char* field, uint64_t smallest, uint64_t cap) {
  reader_.at(field);
  const auto count = reader_.number<uint64_t>();
  const uint64_t room = reader_.remaining() / smallest;
  if (count > room) {
    reader_.fail(std::to_string(count),
                 fmt::format("at most {}, what the file has room for", room));
  }
  if (count > cap) reader_.fail(std::to_string(count), fmt::format("at most {}", cap));
  return count;
}

void GgufParser::read_pair(uint64_t index) {
  std::string key = read_key(index);
  reader_.at(printable(key, 100));
  const uint64_t begin = reader_.offset();
  const auto type = reader_.number<uint32_t>();
  GgufValue value = read_value(type);
  if (key == "general.alignment") note_alignment(type, value);
  const auto [place, added] = file_.values_.emplace(key, std::move(value));
  if (!added) {
    const auto first = std::ranges::find(file_.keys_, key) - file_.keys_.begin();
    reader_.fail(fmt::format("the key again as pair {} (first as pair {})", index, first),
                 "each key once");
  }
  file_.places_.emplace(key, std::pair(begin, reader_.offset() - begin));
  file_.keys_.push_back(std::move(key));
}

std::string GgufParser::read_key(uint64_t index) {
  reader_.at(fmt::format("kv[{}].key", index));
  const auto length = reader_.number<uint64_t>();
  if (length == 0 || length > kMaxKeyBytes) {
    reader_.fail(fmt::format("a key of {} bytes", length), fmt::format("1 to {}", kMaxKeyBytes));
  }
  std::string key = reader_.text(length);
  const auto plain = [](char c) { return c > 0x20 && c < 0x7f; };
  if (!std::ranges::all_of(key, plain)) {
    reader_.fail(fmt::format("\"{}\"", printable(key, 100)), "printable ASCII without spaces");
  }
  return key;
}

GgufValue GgufParser::read_value(uint32_t type) {
  switch (type) {
    case kU8:
      return uint64_t{reader_.number<uint8_t>()};
    case kI8:
      return int64_t{reader_.number<int8_t>()};
    case kU16:
      return uint64_t{reader_.number<uint16_t>()};
    case kI16:
      return int64_t{reader_.number<int16_t>()};
    case kU32:
      return uint64_t{reader_.number<uint32_t>()};
    case kI32:
      return int64_t{reader_.number<int32_t>()};
    case kF32:
      return double{reader_.number<float>()};
    case kBool:
      return read_bool();
    case kString:
      return read_string();
    case kArray:
      return read_array();
    case kU64:
      return reader_.number<uint64_t>();
    case kI64:
      return reader_.number<int64_t>();
    case kF64:
      return reader_.number<double>();
    default:
      reader_.fail(fmt::format("value type {}", type), "a type from 0 to 12");
  }
}

bool GgufParser::read_bool() {
  const auto byte = reader_.number<uint8_t>();
  if (byte > 1) reader_.fail(fmt::format("the truth value {}", byte), "0 or 1");
  return byte == 1;
}

std::string GgufParser::read_string() {
  const auto length = reader_.number<uint64_t>();
  if (length > kMaxStringBytes) {
    reader_.fail(fmt::format("a string of {} bytes", length),
                 fmt::format("at most {}", kMaxStringBytes));
  }
  std::string text = reader_.text(length);
  if (text.find('\0') != std::string::npos) reader_.fail("a string with NUL", "text without NUL");
  if (const size_t bad = find_invalid_utf8(text); bad != std::string::npos) {
    reader_.fail(fmt::format("invalid UTF-8 at byte {} of the string", bad), "UTF-8");
  }
  return text;
}

GgufValue GgufParser::read_array() {
  const auto type = reader_.number<uint32_t>();
  if (type == kArray) {
    reader_.fail("an array of arrays", "an array of plain values", "nested arrays are not read");
  }
  const uint64_t element_bytes = smallest_element(type);
  if (element_bytes == 0) {
    reader_.fail(fmt::format("element type {}", type), "a type from 0 to 12, but 9");
  }
  return read_elements(type, read_element_count(element_bytes));
}

uint64_t GgufParser::read_element_count(uint64_t element_bytes) {
  const auto count = reader_.number<uint64_t>();
  const uint64_t room = reader_.remaining() / element_bytes;
  if (count > room) {
    reader_.fail(fmt::format("an array of {}", count),
                 fmt::format("at most {}, what the file has room for", room));
  }
  if (element_bytes == 1 && count > kMaxNarrowElements) {
    reader_.fail(fmt::format("an array of {} bytes", count),
                 fmt::format("at most {}", kMaxNarrowElements));
  }
  array_elements_ += count;
  if (array_elements_ > kMaxArrayElements) {
    reader_.fail(fmt::format("{} array elements in all", array_elements_),
                 fmt::format("at most {}", kMaxArrayElements));
  }
  return count;
}

template <typename Wide, typename T>
std::vector<Wide> GgufParser::read_numbers(uint64_t count) {
  std::vector<Wide> values(count);
  for (Wide& value : values) value = reader_.number<T>();
  return values;
}

GgufValue GgufParser::read_elements(uint32_t type, uint64_t count) {
  std::vector<bool> bools(type == kBool ? count : 0);
  std::vector<std::string> strings(type == kString ? count : 0);
  switch (type) {
    case kU8:
      return read_numbers<uint64_t, uint8_t>(count);
    case kI8:
      return read_numbers<int64_t, int8_t>(count);
    case kU16:
      return read_numbers<uint64_t, uint16_t>(count);
    case kI16:
      return read_numbers<int64_t, int16_t>(count);
    case kU32:
      return read_numbers<uint64_t, uint32_t>(count);
    case kI32:
      return read_numbers<int64_t, int32_t>(count);
    case kF32:
      return read_numbers<double, float>(count);
    case kBool:
      for (size_t i = 0; i < count; ++i) bools[i] = read_bool();
      return bools;
    case kString:
      for (std::string& text : strings) text = read_string();
      return strings;
    case kU64:
      return read_numbers<uint64_t, uint64_t>(count);
    case kI64:
      return read_numbers<int64_t, int64_t>(count);
    default:
      return read_numbers<double, double>(count);
  }
}

void GgufParser::note_alignment(uint32_t type, const GgufValue& value) {
  if (type != kU32) {
    reader_.fail(fmt::format("value type {}", type), fmt::format("{} (u32)", uint32_t{kU32}));
  }
  alignment_ = std::get<uint64_t>(value);
  if (alignment_ % 8 != 0 || !std::has_single_bit(alignment_) || alignment_ > kMaxAlignment) {
    reader_.fail(std::to_string(alignment_),
                 fmt::format("a power of two from 8 to {}", kMaxAlignment));
  }
}

void GgufParser::at_tensor(const GgufTensor& tensor, std::string_view part) {
  reader_.at(fmt::format("tensor[{}] \"{}\".{}", file_.tensors_.size(), printable(tensor.name, 100),
                         part));
}

void GgufParser::read_tensor(uint64_t index) {
  GgufTensor tensor;
  tensor.name = read_tensor_name(index);
  read_dims(tensor);
  read_tensor_type(tensor);
  read_tensor_offset(tensor);
  file_.tensors_.push_back(std::move(tensor));
}

std::string GgufParser::read_tensor_name(uint64_t index) {
  reader_.at(fmt::format("tensor[{}].name", index));
  const auto length = reader_.number<uint64_t>();
  if (length == 0 || length > kMaxTensorNameBytes) {
    reader_.fail(fmt::format("a name of {} bytes", length),
                 fmt::format("1 to {}", kMaxTensorNameBytes));
  }
  std::string name = reader_.text(length);
  const auto control = [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; };
  if (std::ranges::any_of(name, control) || find_invalid_utf8(name) != std::string::npos) {
    reader_.fail(fmt::format("\"{}\"", printable(name)), "a name of printable UTF-8");
  }
  const auto [place, added] = file_.index_.emplace(name, index);
  if (!added) {
    reader_.fail(fmt::format("\"{}\" again (first as tensor[{}])", printable(name), place->second),
                 "each name once");
  }
  return name;
}

void GgufParser::read_dims(GgufTensor& tensor) {
  at_tensor(tensor, "n_dims");
  const auto rank = reader_.number<uint32_t>();
  if (rank == 0 || rank > kMaxDims) {
    reader_.fail(std::to_string(rank), fmt::format("1 to {} dimensions", kMaxDims));
  }
  uint64_t elements = 1;
  for (uint32_t i = 0; i < rank; ++i) {
    at_tensor(tensor, fmt::format("ne[{}]", i));
    const auto dim = reader_.number<uint64_t>();
    if (dim == 0 || dim > INT64_MAX) {
      reader_.fail(std::to_string(static_cast<int64_t>(dim)), "a positive dimension");
    }
    const std::optional<uint64_t> product = checked_multiply(elements, dim);
    if (!product || *product > INT64_MAX) {
      reader_.fail(fmt::format("{} times {} elements", elements, dim), "fewer than 2^63 elements");
    }
    elements = *product;
    tensor.dims.push_back(dim);
  }
}

void GgufParser::read_tensor_type(GgufTensor& tensor) {
  at_tensor(tensor, "type");
  const auto code = reader_.number<uint32_t>();
  const std::optional<GgmlTypeInfo> info = find_ggml_type(code);
  if (!info) {
    const std::string_view name = ggml_type_name(code);
    reader_.fail(name.empty() ? fmt::format("the unknown type {}", code)
                              : fmt::format("type {} ({})", code, name),
                 "one of " + decodable_types(),
                 name.empty() ? "" : "convert the file to a type that telora decodes");
  }
  tensor.type = info->type;
  if (tensor.dims[0] % info->block_elements != 0) {
    at_tensor(tensor, "ne[0]");
    reader_.fail(std::to_string(tensor.dims[0]),
                 fmt::format("a multiple of {} for {}", info->block_elements, info->name));
  }
  const std::optional<uint64_t> bytes =
      checked_multiply(tensor.elements() / info->block_elements, info->block_bytes);
  if (!bytes || *bytes > INT64_MAX) {
    at_tensor(tensor, "bytes");
    reader_.fail(fmt::format("{} elements of {}", tensor.elements(), info->name),
                 "fewer than 2^63 bytes");
  }
  tensor.bytes = *bytes;
}

// ggml lays tensors out in file order, each padded to the alignment: no other offset is right.
void GgufParser::read_tensor_offset(GgufTensor& tensor) {
  at_tensor(tensor, "offset");
  tensor.offset = reader_.number<uint64_t>();
  if (tensor.offset != next_offset_) {
    reader_.fail(std::to_string(tensor.offset),
                 fmt::format("{}, where the tensor before it ends", next_offset_));
  }
  const std::optional<uint64_t> padded = round_up(tensor.bytes, alignment_);
  const std::optional<uint64_t> next = padded ? checked_add(next_offset_, *padded) : std::nullopt;
  if (!next || *next > INT64_MAX) {
    reader_.fail(fmt::format("{} bytes from offset {}", tensor.bytes, tensor.offset),
                 "fewer than 2^63 bytes of data");
  }
  next_offset_ = *next;
}

void GgufParser::place_data() {
  const uint64_t size = file_.file_.size();
  const uint64_t header_end = reader_.offset();
  // A header end is far below 2^63, so rounding it up and adding section sizes cannot wrap.
  const uint64_t begin = *round_up(header_end, alignment_);
  uint64_t end = header_end;
  for (GgufTensor& tensor : file_.tensors_) {
    tensor.offset += begin;
    end = tensor.offset + tensor.bytes;
    if (end <= size) continue;
    reader_.at(fmt::format("tensor \"{}\"", tensor.name));
    reader_.fail(fmt::format("a file of {} bytes", size),
                 fmt::format("{}, where the tensor ends ({} missing)", end, end - size),
                 "the file is cut off: fetch it again");
  }
  if (size > *round_up(end, alignment_)) {
    reader_.at("file size");
    reader_.fail(std::to_string(size), fmt::format("{}, where the data end", end),
                 "the file has bytes that belong to nothing");
  }
}

}  // namespace telora
