#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"

namespace telora {

// A folder of its own for one test, removed at the end.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  // Writes a file and returns its path.
  std::filesystem::path file(std::string_view name, std::string_view bytes) const;
  std::vector<std::string> entries() const;  // sorted names

 private:
  std::filesystem::path path_;
};

// Bytes that can be opened as a file and never touch a disk.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes);
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::filesystem::path path() const;

 private:
  int descriptor_;
};

std::string file_bytes(const std::filesystem::path& path);

// The little-endian bytes of a number.
template <typename T>
std::string little(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof(T)};
}

// Whether the message is one line that names each of the words.
testing::AssertionResult names(const std::string& message,
                               std::initializer_list<std::string_view> words);

// Runs the action, which must throw an Error of this kind, and gives its message.
template <typename Action>
std::string error_of(ErrorKind kind, Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error was thrown";
  return {};
}

// Processor seconds the action takes: unlike the clock on the wall, the same on a busy machine.
template <typename Action>
double cpu_seconds(Action&& action) {
  const std::clock_t begin = std::clock();
  action();
  return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

// What a hostile file of 2 MB may take; sanitizers are given more.
#if defined(__SANITIZE_ADDRESS__) || !defined(__OPTIMIZE__)
inline constexpr double kHostileSeconds = 2.0;
#else
inline constexpr double kHostileSeconds = 0.2;
#endif

}  // namespace telora
