#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <tuple>

#include "core/checked.h"
#include "core/json_scan.h"
#include "core/safetensors.h"

namespace telora {

namespace {

using Json = nlohmann::ordered_json;

constexpr uint64_t kLengthBytes = 8;
constexpr uint64_t kMaxHeaderBytes = 100'000'000;
constexpr size_t kMaxTensors = size_t{1} << 16;
constexpr size_t kMaxMetadata = size_t{1} << 16;
constexpr size_t kMaxNameBytes = 1024;
constexpr size_t kMaxRank = 64;
constexpr uint64_t kMaxDimension = uint64_t{1} << 53;

// One tensor as the header states it; what is missing stays empty.
struct Draft {
  std::string name;
  std::optional<Dtype> dtype;
  std::optional<std::vector<uint64_t>> shape;
  std::optional<std::vector<uint64_t>> offsets;
};

struct Header {
  std::vector<SafetensorsEntry> entries;  // offset: in the data section
  std::map<std::string, std::string> metadata;
};

// Takes the header apart as it is scanned; no tree is built, so memory stays near the header's
// size.
class HeaderEvents : public JsonEvents {
 public:
  HeaderEvents(TextCursor& cursor, Header& header) : cursor_(cursor), header_(header) {}

  void begin(bool object) override {
    const size_t depth = cursor_.depth();  // the new level included
    if (depth == 1 && !object) refuse_value("the header", "an array", "an object");
    if (depth == 2 && !object) refuse_value("", "an array", "an object");
    if (depth < 3) return;
    if (in_metadata_) refuse_value("", "a nested value", "text");
    if (field_.empty()) return;
    if (depth > 3 || object || field_ == "dtype") refuse_value("", "a nested value", want());
    list().emplace();
  }

  void key(std::string&& key) override {
    if (cursor_.depth() == 1) start_entry(std::move(key));
    if (cursor_.depth() == 2) start_field(std::move(key));
  }

  void scalar(Json&& value) override {
    const size_t depth = cursor_.depth();
    if (depth == 0) refuse_value("the header", value.dump(), "an object");
    if (depth == 1) {
      if (!in_metadata_ || !value.is_null()) refuse_value("", value.dump(), "an object");
      in_metadata_ = false;
    }
    if (depth == 2 && in_metadata_) return add_metadata(value);
    if (depth < 2 || field_.empty()) return;
    if (depth == 3) return add_number(value);
    if (field_ != "dtype") refuse_value("", value.dump(), want());
    set_dtype(value);
  }

  void end() override {
    if (cursor_.depth() == 3) field_.clear();
    if (cursor_.depth() == 2 && !in_metadata_) finish_entry();
    if (cursor_.depth() == 2) in_metadata_ = false;
  }

 private:
  [[noreturn]] void refuse_value(std::string_view what, std::string_view found,
                                 std::string_view want) const {
    cursor_.fail(printable(found, 80), want,
                 what.empty() ? "" : "this is not a safetensors header");
  }

  std::string_view want() const {
    if (field_ == "dtype") return "text";
    return field_ == "shape" ? "an array of dimensions" : "an array of two offsets";
  }

  std::optional<std::vector<uint64_t>>& list() {
    return field_ == "shape" ? draft_.shape : draft_.offsets;
  }

  void start_entry(std::string&& name) {
    in_metadata_ = name == "__metadata__";
    const auto [place, added] = names_.emplace(name, cursor_.offset());
    if (!added) {
      const Where first = cursor_.where("", place->second);
      cursor_.fail(fmt::format("the name again (first at byte {})", first.byte.value_or(0)),
                   "each name once");
    }
    if (header_.entries.size() >= kMaxTensors) {
      cursor_.fail("one more tensor", fmt::format("at most {}", kMaxTensors));
    }
    if (!in_metadata_) check_name(name);
    draft_ = {.name = std::move(name), .dtype = {}, .shape = {}, .offsets = {}};
  }

  void check_name(const std::string& name) const {
    const auto control = [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; };
    if (name.empty() || name.size() > kMaxNameBytes || std::ranges::any_of(name, control)) {
      cursor_.fail(
          fmt::format("a tensor name of {} bytes: \"{}\"", name.size(), printable(name, 60)),
          fmt::format("1 to {} bytes of printable text", kMaxNameBytes));
    }
  }

  void start_field(std::string&& key) {
    member_ = std::move(key);
    field_.clear();
    if (in_metadata_) return;
    const bool known = member_ == "dtype" || member_ == "shape" || member_ == "data_offsets";
    if (!known) return;  // the format allows further fields; they mean nothing here
    field_ = member_;
    const bool again = field_ == "dtype" ? draft_.dtype.has_value() : list().has_value();
    if (again) cursor_.fail("the field again", "each field once");
  }

  void add_metadata(const Json& value) {
    if (!value.is_string()) refuse_value("", value.dump(), "text");
    if (header_.metadata.size() >= kMaxMetadata) {
      cursor_.fail("one more entry", fmt::format("at most {}", kMaxMetadata));
    }
    const auto [place, added] =
        header_.metadata.emplace(member_, value.get_ref<const std::string&>());
    if (!added) cursor_.fail("the same key again", "each key once");
  }

  void set_dtype(const Json& value) {
    if (!value.is_string()) refuse_value("", value.dump(), "text");
    const auto& name = value.get_ref<const std::string&>();
    draft_.dtype = find_dtype(name);
    if (!draft_.dtype) {
      cursor_.fail(fmt::format("\"{}\"", printable(name, 60)),
                   "BOOL, F16, BF16, F32, F64, or I or U of 8 to 64 bits");
    }
    field_.clear();
  }

  void add_number(const Json& value) {
    if (!value.is_number_unsigned()) refuse_value("", value.dump(), "an integer of 0 or more");
    const auto number = value.get<uint64_t>();
    std::vector<uint64_t>& numbers = *list();
    if (field_ == "shape" && number > kMaxDimension) {
      refuse_value("", value.dump(), "a dimension of at most 2^53");
    }
    if (numbers.size() >= kMaxRank) {
      cursor_.fail("one more number", fmt::format("at most {}", kMaxRank));
    }
    numbers.push_back(number);
  }

  void finish_entry() {
    refuse_missing("dtype", draft_.dtype.has_value());
    refuse_missing("shape", draft_.shape.has_value());
    refuse_missing("data_offsets", draft_.offsets.has_value());
    const std::vector<uint64_t>& offsets = *draft_.offsets;
    if (offsets.size() != 2) {
      refuse_field("data_offsets", fmt::format("{} numbers", offsets.size()), "[begin, end]");
    }
    const uint64_t bytes = count_bytes();
    if (offsets[1] < offsets[0] || offsets[1] - offsets[0] != bytes) {
      refuse_field("data_offsets", fmt::format("[{}, {}]", offsets[0], offsets[1]),
                   fmt::format("{} bytes, what dtype and shape take", bytes));
    }
    SafetensorsEntry entry{std::move(draft_.name), *draft_.dtype, {}, offsets[0], bytes};
    entry.shape.assign(draft_.shape->begin(), draft_.shape->end());
    header_.entries.push_back(std::move(entry));
  }

  uint64_t count_bytes() const {
    uint64_t bytes = dtype_bytes(*draft_.dtype);
    for (const uint64_t dim : *draft_.shape) {
      const std::optional<uint64_t> product = checked_multiply(bytes, dim);
      if (!product) refuse_field("shape", "a size beyond 64 bits", "one that fits in memory");
      bytes = *product;
    }
    return bytes;
  }

  void refuse_missing(std::string_view field, bool there) const {
    if (!there) refuse_field(field, "nothing", "this field");
  }

  [[noreturn]] void refuse_field(std::string_view field, std::string_view found,
                                 std::string_view want) const {
    const Where where = cursor_.where(join_path(cursor_.path(), field), cursor_.offset());
    fail(cursor_.source().kind, where, found, want);
  }

  TextCursor& cursor_;
  Header& header_;
  std::map<std::string, size_t> names_;  // offset of each name in the header
  Draft draft_;
  bool in_metadata_ = false;
  std::string member_;  // the key last read inside an entry or the metadata
  std::string field_;   // that key, while it is one of a tensor's three
};

// The header's text. Reading goes by the file's real size, never by the length it claims alone.
std::string read_header_text(const InputFile& file) {
  const Where where{file.name(), "header.length", 0};
  std::array<uint64_t, 1> length{};
  if (file.size() < kLengthBytes) {
    fail(ErrorKind::kData, where, fmt::format("a file of {} bytes", file.size()),
         "at least 8 bytes", "the file is truncated");
  }
  file.read(0, std::as_writable_bytes(std::span(length)));
  if (length[0] > kMaxHeaderBytes) {
    fail(ErrorKind::kData, where, std::to_string(length[0]),
         fmt::format("at most {}", kMaxHeaderBytes), "this is not a safetensors file");
  }
  if (length[0] > file.size() - kLengthBytes) {
    fail(ErrorKind::kData, where, std::to_string(length[0]),
         fmt::format("at most {}, what follows in the file", file.size() - kLengthBytes),
         "the file is truncated");
  }
  std::string text(length[0], '\0');
  file.read(kLengthBytes, std::as_writable_bytes(std::span(text)));
  return text;
}

[[noreturn]] void refuse_offset(const InputFile& file, const SafetensorsEntry& entry,
                                const SafetensorsEntry* before, uint64_t expected) {
  const std::string name = printable(entry.name, 80);
  const std::string after = before ? '"' + printable(before->name, 80) + '"' : "the header";
  const bool overlap = entry.offset < expected;
  fail(ErrorKind::kData, {file.name(), name + ".data_offsets"},
       overlap ? fmt::format("{}, inside {}", entry.offset, after)
               : fmt::format("{}, a gap of {} bytes from {} after {}", entry.offset,
                             entry.offset - expected, expected, after),
       std::to_string(expected), "tensors must lie end to end");
}

// Each tensor must begin where the one before it ends, and the last must end with the file.
void check_layout(const InputFile& file, uint64_t data_begin,
                  const std::vector<SafetensorsEntry>& entries) {
  uint64_t expected = 0;
  const SafetensorsEntry* before = nullptr;
  for (const SafetensorsEntry& entry : entries) {
    if (entry.offset != expected) refuse_offset(file, entry, before, expected);
    expected += entry.bytes;  // the end offset the header states: no overflow
    before = &entry;
  }
  const uint64_t held = file.size() - data_begin;
  if (held == expected) return;
  fail(ErrorKind::kData, {file.name(), "file size"}, fmt::format("{} bytes of data", held),
       fmt::format("{}, where the last tensor ends", expected),
       held < expected ? "the file is truncated: fetch it again"
                       : "the file has bytes that belong to no tensor");
}

Header read_header(const InputFile& file) {
  const std::string text = read_header_text(file);
  TextCursor cursor(text, {file.name(), ErrorKind::kData, 1, kLengthBytes});
  Header header;
  HeaderEvents events(cursor, header);
  scan_json(cursor, events);
  const auto end = [](const SafetensorsEntry& entry) { return entry.offset + entry.bytes; };
  std::ranges::sort(header.entries, [&](const auto& a, const auto& b) {
    return std::tuple(a.offset, end(a), std::string_view(a.name)) <
           std::tuple(b.offset, end(b), std::string_view(b.name));
  });
  const uint64_t data_begin = kLengthBytes + text.size();
  check_layout(file, data_begin, header.entries);
  for (SafetensorsEntry& entry : header.entries) entry.offset += data_begin;
  return header;
}

}  // namespace

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) : file_(path) {
  Header header = read_header(file_);
  entries_ = std::move(header.entries);
  metadata_ = std::move(header.metadata);
  for (size_t i = 0; i < entries_.size(); ++i) index_.emplace(entries_[i].name, i);
}

}  // namespace telora
