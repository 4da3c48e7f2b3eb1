#include "core/text_cursor.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.h"

namespace telora {

namespace {

constexpr size_t kPathKeyBytes = 80;

}  // namespace

std::string join_path(const std::string& parent, std::string_view key) {
  const std::string name = key.empty() ? "\"\"" : printable(key, kPathKeyBytes);
  return parent.empty() ? name : parent + "." + name;
}

std::string join_path(const std::string& parent, size_t index) {
  return fmt::format("{}[{}]", parent, index);
}

void TextCursor::check_encoding() {
  const auto refuse = [&](size_t offset, std::string_view found) {
    move_to(offset);
    fail(found, "plain UTF-8 text", "save the file as UTF-8 without a byte order mark");
  };
  if (text_.starts_with("\xEF\xBB\xBF")) refuse(0, "a byte order mark");
  if (text_.starts_with("\xFF\xFE") || text_.starts_with("\xFE\xFF")) refuse(0, "UTF-16 text");
  const size_t nul = text_.find('\0');
  const size_t invalid = find_invalid_utf8(text_);
  if (nul < invalid) refuse(nul, nul < 4 ? "a NUL byte (UTF-16 text?)" : "a NUL byte");
  if (invalid != std::string_view::npos) {
    refuse(invalid, fmt::format("the byte 0x{:02x}, which is not UTF-8",
                                static_cast<unsigned>(static_cast<unsigned char>(text_[invalid]))));
  }
}

void TextCursor::open(bool object, size_t max_depth) {
  if (frames_.size() >= max_depth) {
    fail(fmt::format("more than {} nested levels", max_depth),
         fmt::format("at most {}", max_depth));
  }
  frames_.push_back({.object = object, .key = {}});
}

void TextCursor::enter_key(std::string_view key) {
  frames_.back().key = key;
  frames_.back().has_key = true;
}

void TextCursor::end_value() {
  if (frames_.empty()) return;
  frames_.back().has_key = false;
  ++frames_.back().index;
}

void TextCursor::close() {
  frames_.pop_back();
  end_value();
}

std::string TextCursor::path() const {
  std::string path;
  for (const Frame& frame : frames_) {
    if (!frame.object) path = join_path(path, frame.index);
    if (frame.object && frame.has_key) path = join_path(path, frame.key);
  }
  return path;
}

Where TextCursor::where(std::string path, size_t offset) const {
  Where where{source_.file, std::move(path)};
  if (source_.first_byte) {
    where.byte = *source_.first_byte + offset;
    return where;
  }
  const std::string_view before = text_.substr(0, offset);
  where.line = source_.first_line + static_cast<int>(std::ranges::count(before, '\n'));
  // rfind gives npos on the first line, and npos + 1 is 0.
  where.column = static_cast<int>(before.size() - (before.rfind('\n') + 1)) + 1;
  return where;
}

void TextCursor::fail(std::string_view found, std::string_view want,
                      std::string_view advice) const {
  telora::fail(source_.kind, where(path(), offset_), found, want, advice);
}

}  // namespace telora
