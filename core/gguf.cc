#include "core/gguf.h"

#include <fmt/format.h>

#include <cmath>

#include "core/gguf_parser.h"

namespace telora {

namespace {

template <typename T>
constexpr std::string_view kNameOf = "a value";
template <>
constexpr std::string_view kNameOf<bool> = "a truth value";
template <>
constexpr std::string_view kNameOf<int64_t> = "a signed integer";
template <>
constexpr std::string_view kNameOf<uint64_t> = "an unsigned integer";
template <>
constexpr std::string_view kNameOf<double> = "a float";
template <>
constexpr std::string_view kNameOf<std::string> = "a string";
template <>
constexpr std::string_view kNameOf<std::vector<bool>> = "an array of truth values";
template <>
constexpr std::string_view kNameOf<std::vector<int64_t>> = "an array of signed integers";
template <>
constexpr std::string_view kNameOf<std::vector<uint64_t>> = "an array of unsigned integers";
template <>
constexpr std::string_view kNameOf<std::vector<double>> = "an array of floats";
template <>
constexpr std::string_view kNameOf<std::vector<std::string>> = "an array of strings";

std::string_view describe(const GgufValue& value) {
  return std::visit([]<typename T>(const T&) { return kNameOf<T>; }, value);
}

[[noreturn]] void refuse(const GgufFile& file, const std::string& key, std::string_view found,
                         std::string_view want) {
  fail(ErrorKind::kData, {file.name(), printable(key, 100)}, found, want);
}

template <typename T>
const T& get(const GgufFile& file, const std::string& key) {
  const GgufValue& value = file.value(key);
  if (const T* held = std::get_if<T>(&value)) return *held;
  refuse(file, key, describe(value), kNameOf<T>);
}

// The value as int64 where it is an integer of any width that fits.
std::optional<int64_t> as_integer(const GgufValue& value) {
  if (const auto* held = std::get_if<int64_t>(&value)) return *held;
  const auto* held = std::get_if<uint64_t>(&value);
  if (held == nullptr || *held > INT64_MAX) return std::nullopt;
  return static_cast<int64_t>(*held);
}

}  // namespace

uint64_t GgufTensor::elements() const {
  uint64_t count = 1;
  for (const uint64_t dim : dims) count *= dim;
  return count;
}

GgufFile::GgufFile(const std::filesystem::path& path) : file_(path) { GgufParser(*this).parse(); }

const GgufValue& GgufFile::value(const std::string& key) const {
  const auto found = values_.find(key);
  if (found == values_.end()) refuse(*this, key, "no such key", "this key in the metadata");
  return found->second;
}

std::string GgufFile::encoded(const std::string& key) const {
  value(key);  // or says that there is none
  const auto [begin, bytes] = places_.at(key);
  std::string encoded(bytes, '\0');
  file_.read(begin, std::as_writable_bytes(std::span(encoded)));
  return encoded;
}

std::string GgufFile::string(const std::string& key) const { return get<std::string>(*this, key); }

int64_t GgufFile::integer(const std::string& key, int64_t min, int64_t max) const {
  const GgufValue& held = value(key);
  const std::optional<int64_t> number = as_integer(held);
  const std::string want = fmt::format("an integer from {} to {}", min, max);
  const auto* wide = std::get_if<uint64_t>(&held);
  if (!number) refuse(*this, key, wide ? std::to_string(*wide) : std::string(describe(held)), want);
  if (*number < min || *number > max) refuse(*this, key, std::to_string(*number), want);
  return *number;
}

double GgufFile::number(const std::string& key) const {
  const double number = get<double>(*this, key);
  if (!std::isfinite(number)) refuse(*this, key, fmt::format("{}", number), "a finite number");
  return number;
}

bool GgufFile::boolean(const std::string& key) const { return get<bool>(*this, key); }

const std::vector<std::string>& GgufFile::strings(const std::string& key) const {
  return get<std::vector<std::string>>(*this, key);
}

std::vector<int64_t> GgufFile::integers(const std::string& key) const {
  const GgufValue& held = value(key);
  if (const auto* numbers = std::get_if<std::vector<int64_t>>(&held)) return *numbers;
  const auto* wide = std::get_if<std::vector<uint64_t>>(&held);
  if (wide == nullptr) refuse(*this, key, describe(held), "an array of integers");
  std::vector<int64_t> numbers;
  for (const uint64_t number : *wide) {
    if (number > INT64_MAX) refuse(*this, key, std::to_string(number), "integers below 2^63");
    numbers.push_back(static_cast<int64_t>(number));
  }
  return numbers;
}

std::vector<double> GgufFile::numbers(const std::string& key) const {
  const auto& numbers = get<std::vector<double>>(*this, key);
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (std::isfinite(numbers[i])) continue;
    refuse(*this, fmt::format("{}[{}]", key, i), fmt::format("{}", numbers[i]), "a finite number");
  }
  return numbers;
}

const GgufTensor* GgufFile::find(const std::string& name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

void GgufFile::read(const GgufTensor& tensor, uint64_t begin, std::span<std::byte> out) const {
  if (begin > tensor.bytes || out.size() > tensor.bytes - begin) {
    fail(ErrorKind::kInternal, {name(), tensor.name},
         fmt::format("a read of {} bytes from byte {}", out.size(), begin),
         fmt::format("a range inside its {} bytes", tensor.bytes));
  }
  file_.read(tensor.offset + begin, out);
}

}  // namespace telora
