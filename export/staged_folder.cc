#include "export/staged_folder.h"

#include <fmt/format.h>
#include <unistd.h>

#include <system_error>

#include "core/error.h"
#include "core/files.h"

namespace telora {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const fs::path& target, std::string_view found) {
  fail(ErrorKind::kCannotCreate, {target.string(), {}}, found, "a place where nothing is yet",
       "choose another --out, or remove it");
}

// "out/" names the folder "out".
fs::path without_slash(const fs::path& path) {
  const fs::path plain = path.lexically_normal();
  return plain.has_filename() ? plain : plain.parent_path();
}

}  // namespace

void require_free(const fs::path& target) {
  std::error_code error;
  if (!fs::exists(fs::symlink_status(target, error))) return;
  if (!fs::is_directory(target, error)) refuse(target, "a file");
  if (!fs::is_empty(target, error) || error) refuse(target, "a folder with files");
}

StagedFolder::StagedFolder(const fs::path& target) : target_(without_slash(target)) {
  require_free(target_);
  const fs::path parent = target_.has_parent_path() ? target_.parent_path() : ".";
  create_folders(parent);
  staging_ = parent / fmt::format(".{}.partial-{}", target_.filename().string(), ::getpid());
  std::error_code ignored;
  fs::remove_all(staging_, ignored);  // of a process of this number that was killed
  create_folders(staging_);
}

StagedFolder::~StagedFolder() {
  std::error_code ignored;
  if (!published_) fs::remove_all(staging_, ignored);
}

void StagedFolder::publish() {
  require_free(target_);
  sync_folder(staging_);
  std::error_code error;
  fs::rename(staging_, target_, error);  // replaces an empty folder
  if (error) refuse(target_, error.message());
  published_ = true;
  sync_folder(target_.has_parent_path() ? target_.parent_path() : ".");
}

}  // namespace telora
