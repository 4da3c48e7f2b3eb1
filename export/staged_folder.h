#pragma once

#include <filesystem>

namespace telora {

// Throws Error(cannot_create) if something is at `target`; an empty folder is nothing.
void require_free(const std::filesystem::path& target);

// A place beside `target` where a file or folder of its name is made, checked, and only then moved
// to the target. What is left of processes that were killed while they made the same target is
// removed.
class StagedTarget {
 public:
  // Throws Error(cannot_create) if something is at `target`, unless it is an empty folder.
  explicit StagedTarget(const std::filesystem::path& target);
  ~StagedTarget();
  StagedTarget(const StagedTarget&) = delete;
  StagedTarget& operator=(const StagedTarget&) = delete;

  // Of the target's name; nothing is there yet.
  std::filesystem::path path() const { return staging_ / target_.filename(); }
  // Moves it to the target. Throws Error(cannot_create) if something is there now.
  void publish();

 private:
  std::filesystem::path target_;
  std::filesystem::path staging_;
};

// A folder that is filled beside its place and moved there whole: whoever looks sees all of it or
// nothing, and a failure leaves nothing behind.
class StagedFolder {
 public:
  // Throws Error(cannot_create) if `target` exists, unless it is an empty folder.
  explicit StagedFolder(const std::filesystem::path& target);
  ~StagedFolder();
  StagedFolder(const StagedFolder&) = delete;
  StagedFolder& operator=(const StagedFolder&) = delete;

  const std::filesystem::path& path() const { return staging_; }
  // Moves it to the target. Throws Error(cannot_create) if something is there now.
  void publish();

 private:
  std::filesystem::path target_;
  std::filesystem::path staging_;
  bool published_ = false;
};

}  // namespace telora
