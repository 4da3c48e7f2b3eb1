#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>

namespace telora {

// Reads a file of lines as it grows.
class LineTail {
 public:
  explicit LineTail(std::filesystem::path file) : file_(std::move(file)) {}

  // Calls `line` for each whole line that is new since the last call, without its terminator; one
  // that is not whole yet is left for the next. A file that has become shorter is read anew: then
  // `line` gets its first line again. Nothing where there is no file. Throws Error(io).
  void read(const std::function<void(std::string_view line)>& line);

 private:
  std::filesystem::path file_;
  uint64_t offset_ = 0;
};

}  // namespace telora
