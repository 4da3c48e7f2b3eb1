#include "core/error.h"

#include <fmt/format.h>

#include "core/text.h"

namespace telora {

Error::Error(ErrorKind kind, std::string_view message)
    : std::runtime_error(printable(message, 4000)), kind_(kind) {}

namespace {

std::string position(const Where& where) {
  if (where.byte) return fmt::format(" at byte {}", *where.byte);
  if (where.line > 0 && where.column > 0) return fmt::format(" at {}:{}", where.line, where.column);
  if (where.line > 0) return fmt::format(" at line {}", where.line);
  return {};
}

}  // namespace

void fail(ErrorKind kind, const Where& where, std::string_view found, std::string_view want,
          std::string_view advice) {
  std::string message = where.file;
  if (!where.field.empty()) message += (message.empty() ? "" : ": ") + where.field;
  message += position(where);
  message += fmt::format(": found {}, want {}", found, want);
  if (!advice.empty()) message += fmt::format("; {}", advice);
  throw Error(kind, message);
}

std::string printable(std::string_view text, size_t limit) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    if (out.size() >= limit) return out + "…";
    const size_t length = utf8_sequence_length(text.substr(i));
    const auto byte = static_cast<unsigned char>(text[i]);
    if (length == 0 || byte < 0x20 || byte == 0x7f) {
      out += byte == '\n' ? "\\n" : byte == '\t' ? "\\t" : fmt::format("\\x{:02x}", byte);
      ++i;
    } else {
      out += text.substr(i, length);
      i += length;
    }
  }
  return out;
}

}  // namespace telora
