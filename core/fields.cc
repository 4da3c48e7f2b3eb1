#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/document.h"
#include "core/text.h"
#include "core/text_cursor.h"

namespace telora {

namespace {

using Json = nlohmann::ordered_json;

// Above this many keys no near-miss is searched: the quadratic cost would serve nobody.
constexpr size_t kMaxSuggestions = 1000;

std::string describe(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null:
      return "null";
    case Json::value_t::string:
      return fmt::format("the text \"{}\"", printable(value.get_ref<const std::string&>(), 60));
    case Json::value_t::array:
      return fmt::format("a list of {}", value.size());
    case Json::value_t::object:
      return fmt::format("an object of {} keys", value.size());
    default:
      return value.dump();
  }
}

template <typename T>
std::string describe(std::string_view what, const Range<T>& range) {
  std::string text(what);
  if (range.min != std::numeric_limits<T>::lowest()) {
    text += fmt::format(" {} {}", range.min_excluded ? ">" : ">=", range.min);
  }
  if (range.max != std::numeric_limits<T>::max()) {
    const bool both = text.size() > what.size();
    text += fmt::format("{} {} {}", both ? " and" : "", range.max_excluded ? "<" : "<=", range.max);
  }
  return text;
}

template <typename T>
bool contains(const Range<T>& range, T value) {
  const bool above = range.min_excluded ? value > range.min : value >= range.min;
  const bool below = range.max_excluded ? value < range.max : value <= range.max;
  return above && below;
}

std::optional<int64_t> as_integer(const Json& value) {
  if (!value.is_number_integer()) return std::nullopt;
  if (value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX) return std::nullopt;
  return value.get<int64_t>();
}

// An integer counts as a number where a double holds it exactly.
std::optional<double> as_number(const Json& value) {
  if (value.is_number_float()) return value.get<double>();
  const std::optional<int64_t> integer = as_integer(value);
  constexpr int64_t kExact = int64_t{1} << 53;
  if (!integer || *integer > kExact || *integer < -kExact) return std::nullopt;
  return static_cast<double>(*integer);
}

std::string quoted_list(const std::vector<std::string>& words) {
  std::vector<std::string> quoted;
  for (const std::string& word : words) quoted.push_back('"' + printable(word, 60) + '"');
  return fmt::format("{}", fmt::join(quoted, ", "));
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& candidates) {
  const std::string near = nearest(word, candidates);
  return near.empty() ? "" : fmt::format("did you mean \"{}\"?", printable(near, 60));
}

// Why a value that looks right to the eye was read as text.
std::string_view number_advice(const Json& value) {
  const bool text = value.is_string() && !value.get_ref<const std::string&>().empty();
  if (!text) return {};
  return value.get_ref<const std::string&>().find_first_of("0123456789") != std::string::npos
             ? "write numbers in plain decimal, without quotes, leading zeros or underscores"
             : "";
}

}  // namespace

Fields::Fields(const Document& document) : Fields(document, document.root(), "") {}

Fields::Fields(const Document& document, const Json& object, std::string path)
    : document_(document), object_(&object), path_(std::move(path)) {
  if (!object.is_object()) {
    telora::fail(document_.kind(), document_.where(path_), describe(object), "an object of keys");
  }
}

bool Fields::has(const std::string& key) const { return object_->contains(key); }

bool Fields::is_null(const std::string& key) const {
  const auto found = object_->find(key);
  return found != object_->end() && found->is_null();
}

std::vector<std::string> Fields::keys() const {
  std::vector<std::string> keys;
  for (const auto& item : object_->items()) keys.push_back(item.key());
  return keys;
}

const Json& Fields::at(const std::string& key, std::string_view want) {
  ignore(key);
  const auto found = object_->find(key);
  if (found != object_->end()) return *found;
  std::vector<std::string> others;
  for (const auto& item : object_->items()) {
    const bool known = std::ranges::find(known_, item.key()) != known_.end();
    if (!known && others.size() < kMaxSuggestions) others.push_back(item.key());
  }
  const std::string near = nearest(key, others);
  fail(key, "no such key", want,
       near.empty() ? "" : fmt::format("is \"{}\" a slip?", printable(near, 60)));
}

std::string Fields::string(const std::string& key) {
  const Json& value = at(key, "text");
  if (!value.is_string()) {
    fail(key, describe(value), "text", value.is_structured() ? "" : "quote it if it is text");
  }
  return value.get<std::string>();
}

std::string Fields::string(const std::string& key, const std::vector<std::string>& allowed) {
  const std::string want = "one of " + quoted_list(allowed);
  const Json& value = at(key, want);
  if (!value.is_string()) fail(key, describe(value), want);
  std::string text = value.get<std::string>();
  if (std::ranges::find(allowed, text) == allowed.end()) {
    fail(key, describe(value), want, did_you_mean(text, allowed));
  }
  return text;
}

int64_t Fields::integer(const std::string& key, Range<int64_t> range) {
  const std::string want = describe("an integer", range);
  const Json& value = at(key, want);
  const std::optional<int64_t> number = as_integer(value);
  if (!number || !contains(range, *number)) fail(key, describe(value), want, number_advice(value));
  return *number;
}

double Fields::number(const std::string& key, Range<double> range) {
  const std::string want = describe("a finite number", range);
  const Json& value = at(key, want);
  const std::optional<double> number = as_number(value);
  if (!number || !contains(range, *number)) fail(key, describe(value), want, number_advice(value));
  return *number;
}

bool Fields::boolean(const std::string& key) {
  const Json& value = at(key, "true or false");
  if (!value.is_boolean()) fail(key, describe(value), "true or false");
  return value.get<bool>();
}

const Json& Fields::array_at(const std::string& key, std::string_view want) {
  const Json& value = at(key, want);
  if (!value.is_array()) fail(key, describe(value), want);
  return value;
}

std::vector<std::string> Fields::strings(const std::string& key) {
  std::vector<std::string> out;
  for (const Json& item : array_at(key, "a list of texts")) {
    if (!item.is_string()) fail(join_path(key, out.size()), describe(item), "text");
    out.push_back(item.get<std::string>());
  }
  return out;
}

std::vector<int64_t> Fields::integers(const std::string& key, Range<int64_t> range) {
  const std::string want = describe("an integer", range);
  std::vector<int64_t> out;
  for (const Json& item : array_at(key, "a list of integers")) {
    const std::optional<int64_t> number = as_integer(item);
    if (!number || !contains(range, *number)) {
      fail(join_path(key, out.size()), describe(item), want, number_advice(item));
    }
    out.push_back(*number);
  }
  return out;
}

std::vector<double> Fields::numbers(const std::string& key, Range<double> range) {
  const std::string want = describe("a finite number", range);
  std::vector<double> out;
  for (const Json& item : array_at(key, "a list of numbers")) {
    const std::optional<double> number = as_number(item);
    if (!number || !contains(range, *number)) {
      fail(join_path(key, out.size()), describe(item), want, number_advice(item));
    }
    out.push_back(*number);
  }
  return out;
}

Fields Fields::object(const std::string& key) {
  return {document_, at(key, "an object of keys"), join_path(path_, key)};
}

std::vector<Fields> Fields::objects(const std::string& key) {
  std::vector<Fields> out;
  for (const Json& item : array_at(key, "a list of objects")) {
    out.push_back(Fields(document_, item, join_path(join_path(path_, key), out.size())));
  }
  return out;
}

const Json& Fields::raw(const std::string& key) { return at(key, "a value"); }

void Fields::ignore(const std::string& key) {
  if (std::ranges::find(known_, key) == known_.end()) known_.push_back(key);
}

void Fields::finish() const {
  for (const auto& item : object_->items()) {
    if (std::ranges::find(known_, item.key()) != known_.end()) continue;
    const std::string advice = did_you_mean(item.key(), known_);
    fail(item.key(), "an unknown key", "a known one",
         advice.empty() ? "known keys: " + quoted_list(known_) : advice);
  }
}

void Fields::fail(const std::string& key, std::string_view found, std::string_view want,
                  std::string_view advice) const {
  telora::fail(document_.kind(), where(key), found, want, advice);
}

Where Fields::where(const std::string& key) const {
  return document_.where(key.empty() ? path_ : join_path(path_, key));
}

}  // namespace telora
