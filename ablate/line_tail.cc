#include "ablate/line_tail.h"

#include <span>
#include <string>

#include "core/files.h"

namespace telora {

void LineTail::read(const std::function<void(std::string_view)>& line) {
  std::error_code none;
  const uint64_t size = std::filesystem::file_size(file_, none);
  if (none) return;
  if (size < offset_) offset_ = 0;
  if (size == offset_ || !std::filesystem::is_regular_file(file_, none)) return;
  std::string text(size - offset_, '\0');
  const InputFile input(file_);
  if (input.size() < size) return;  // shorter again: the next call reads it anew
  input.read(offset_, std::as_writable_bytes(std::span(text)));
  for (size_t begin = 0, end; (end = text.find('\n', begin)) != std::string::npos;
       begin = end + 1) {
    line(std::string_view(text).substr(begin, end - begin));
    offset_ += end + 1 - begin;
  }
}

}  // namespace telora
