#pragma once

#include <filesystem>
#include <string>

#include "core/files.h"

namespace telora {

// The files of one run. Held by one process at a time.
class RunFolder {
 public:
  // A folder without a run in it, made if need be. Throws Error(cannot_create) if it holds another
  // run, Error(busy) if another process is in it.
  static RunFolder create(const std::filesystem::path& path);
  // A folder that a run was begun in; what a killed process left half-written is removed. Throws
  // Error(missing) if there is none, Error(usage) if the run is finished.
  static RunFolder resume(const std::filesystem::path& path);

  std::filesystem::path path(const std::string& name) const { return root_ / name; }
  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path checkpoints() const { return root_ / "checkpoints"; }

 private:
  RunFolder(std::filesystem::path root, FolderLock lock)
      : root_(std::move(root)), lock_(std::move(lock)) {}
  std::filesystem::path root_;
  FolderLock lock_;
};

// `runs/<category>-r<rank>-<n>` with the first n that is free.
std::filesystem::path next_run_path(const std::string& category, int64_t rank);

}  // namespace telora
