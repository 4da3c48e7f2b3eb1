#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"

namespace telora {

// `parent.key` and `parent[index]`; an overlong or hostile key is cut and escaped.
std::string join_path(const std::string& parent, std::string_view key);
std::string join_path(const std::string& parent, size_t index);

// Where a text comes from, for messages.
struct TextSource {
  std::string file;
  ErrorKind kind = ErrorKind::kData;
  int first_line = 1;
  // Set for a text inside a binary file: positions are byte offsets from here, not lines.
  std::optional<uint64_t> first_byte = std::nullopt;
};

// The place a reader of nested text has reached: byte offset and path of open objects and arrays.
class TextCursor {
 public:
  TextCursor(std::string_view text, TextSource source) : text_(text), source_(std::move(source)) {}

  std::string_view text() const { return text_; }
  const TextSource& source() const { return source_; }
  size_t offset() const { return offset_; }
  void move_to(size_t offset) { offset_ = offset < text_.size() ? offset : text_.size(); }

  // Throws for a byte order mark, UTF-16, NUL bytes or invalid UTF-8.
  void check_encoding();

  // Throws if more than `max_depth` objects and arrays would be open.
  void open(bool object, size_t max_depth);
  void enter_key(std::string_view key);
  void end_value();  // a scalar was read
  void close();      // the innermost object or array ended
  size_t depth() const { return frames_.size(); }
  bool in_object() const { return !frames_.empty() && frames_.back().object; }
  // Of the value being read, or of the innermost object between two members.
  std::string path() const;

  Where where(std::string path, size_t offset) const;
  [[noreturn]] void fail(std::string_view found, std::string_view want,
                         std::string_view advice = {}) const;

 private:
  struct Frame {
    bool object;
    bool has_key = false;
    std::string key;
    size_t index = 0;
  };

  std::string_view text_;
  TextSource source_;
  size_t offset_ = 0;
  std::vector<Frame> frames_;
};

}  // namespace telora
