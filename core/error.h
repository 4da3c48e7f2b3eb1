#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace telora {

// The value is the process exit code of the error contract (docs/architecture.md).
enum class ErrorKind {
  kUsage = 64,
  kData = 65,
  kMissing = 66,
  kUnavailable = 69,
  kInternal = 70,
  kCannotCreate = 73,
  kIo = 74,
  kBusy = 75,
  kIntegrity = 76,
  kConfig = 78,
};

// The one exception of the library. what() is a single line without control bytes.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, std::string_view message);

  ErrorKind kind() const { return kind_; }
  int exit_code() const { return static_cast<int>(kind_); }

 private:
  ErrorKind kind_;
};

// Where an input is wrong: file, dotted field path, and a byte offset or a line and column.
struct Where {
  std::string file;
  std::string field;
  std::optional<uint64_t> byte = std::nullopt;
  int line = 0;    // 1-based; 0 = unknown
  int column = 0;  // 1-based; 0 = unknown
};

// Throws Error with `<file>: <field> [at byte N | line:col]: found F, want W; advice`.
[[noreturn]] void fail(ErrorKind kind, const Where& where, std::string_view found,
                       std::string_view want, std::string_view advice = {});

// Makes control bytes and invalid UTF-8 visible (\n, \x1b) and cuts after `limit` bytes.
std::string printable(std::string_view text, size_t limit = 200);

}  // namespace telora
