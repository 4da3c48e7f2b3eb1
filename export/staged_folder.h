#pragma once

#include <filesystem>

namespace telora {

// Throws Error(cannot_create) if something is at `target`; an empty folder is nothing.
void require_free(const std::filesystem::path& target);

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
