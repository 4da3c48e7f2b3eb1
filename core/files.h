#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "core/error.h"

namespace telora {

// A file read by bounded positional reads: never mapped, so truncation while open is an Error, not
// SIGBUS.
class InputFile {
 public:
  // Throws Error(missing) if absent, not a regular file, or unreadable.
  explicit InputFile(const std::filesystem::path& path);
  ~InputFile();
  InputFile(InputFile&& other) noexcept;
  InputFile& operator=(InputFile&&) = delete;

  uint64_t size() const { return size_; }
  const std::string& name() const { return name_; }
  // Fills `out` from `offset`; throws Error(data) when the range leaves the file, Error(io) on I/O
  // faults.
  void read(uint64_t offset, std::span<std::byte> out) const;

 private:
  int descriptor_ = -1;
  uint64_t size_ = 0;
  std::string name_;
};

// The whole file as text. Throws Error(missing), or Error(data) above `limit` bytes.
std::string read_text(const std::filesystem::path& path, uint64_t limit = 64 << 20);

// Calls `line(text, number)` for each line (1-based, without its terminator) of a plain or gzip
// file. Caps: 64 MiB a line, 4 GiB in all, 1000:1 for gzip. Throws Error(missing|data|io).
void for_each_line(const std::filesystem::path& path,
                   const std::function<void(std::string_view text, int number)>& line);

// Writes `bytes` to a temporary file beside `path`, fsync, rename over `path`, fsync of the folder.
// Throws Error(cannot_create) if it cannot be created, Error(io) on a full disk (needed and free
// bytes named) or any other fault; then nothing is left behind and an earlier file at `path` is
// untouched.
void publish(const std::filesystem::path& path, std::string_view bytes);

// The same with the content produced by `write`, which may append any number of times.
class OutputFile {
 public:
  void append(std::string_view bytes);
  void append(std::span<const std::byte> bytes);

 private:
  friend void publish_with(const std::filesystem::path&, const std::function<void(OutputFile&)>&);
  OutputFile(int descriptor, std::string name) : descriptor_(descriptor), name_(std::move(name)) {}
  void flush();

  int descriptor_;
  std::string name_;
  std::string buffer_;
  uint64_t appended_ = 0;
};
void publish_with(const std::filesystem::path& path, const std::function<void(OutputFile&)>& write);

// Removes, in the folder and below it, the temporary files of publish() whose process was killed.
// For a folder that this process holds the lock of.
void remove_temporary_files(const std::filesystem::path& folder);

// Creates the folder and its parents. Throws Error(cannot_create).
void create_folders(const std::filesystem::path& path);
// fsync of a folder's entries.
void sync_folder(const std::filesystem::path& path);

// Exclusive hold of a folder by this process (flock on `<folder>/.lock`, pid and host inside).
// Throws Error(busy) naming the holder while another process has it.
class FolderLock {
 public:
  explicit FolderLock(const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&&) = delete;

 private:
  int descriptor_ = -1;
  std::filesystem::path path_;
};

}  // namespace telora
