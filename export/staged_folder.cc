#include "export/staged_folder.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <system_error>
#include <vector>

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

fs::path parent_of(const fs::path& target) {
  return target.has_parent_path() ? target.parent_path() : ".";
}

bool is_alive(pid_t process) { return ::kill(process, 0) == 0 || errno != ESRCH; }

// Staging folders of this target whose process is gone.
void remove_abandoned(const fs::path& parent, const std::string& prefix) {
  std::error_code ignored;
  std::vector<fs::path> abandoned;
  for (const auto& entry : fs::directory_iterator(parent, ignored)) {
    const std::string name = entry.path().filename();
    pid_t process = 0;
    if (!name.starts_with(prefix)) continue;
    const char* end = name.data() + name.size();
    const auto [stop, error] = std::from_chars(name.data() + prefix.size(), end, process);
    if (error == std::errc() && stop == end && !is_alive(process)) abandoned.push_back(entry);
  }
  for (const fs::path& path : abandoned) fs::remove_all(path, ignored);
}

// An empty folder beside the target.
fs::path make_staging(const fs::path& target) {
  const fs::path parent = parent_of(target);
  create_folders(parent);
  const std::string prefix = fmt::format(".{}.partial-", target.filename().string());
  remove_abandoned(parent, prefix);
  const fs::path staging = parent / fmt::format("{}{}", prefix, ::getpid());
  std::error_code ignored;
  fs::remove_all(staging, ignored);  // of a process of this number that was killed
  create_folders(staging);
  return staging;
}

// An empty folder at the target is replaced.
void move_to(const fs::path& target, const fs::path& made) {
  require_free(target);
  std::error_code error;
  if (!fs::is_directory(made)) fs::remove(target, error);
  fs::rename(made, target, error);
  if (error) refuse(target, error.message());
  sync_folder(parent_of(target));
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
  staging_ = make_staging(target_);
}

StagedFolder::~StagedFolder() {
  std::error_code ignored;
  if (!published_) fs::remove_all(staging_, ignored);
}

void StagedFolder::publish() {
  sync_folder(staging_);
  move_to(target_, staging_);
  published_ = true;
}

StagedTarget::StagedTarget(const fs::path& target) : target_(without_slash(target)) {
  require_free(target_);
  staging_ = make_staging(target_);
}

StagedTarget::~StagedTarget() {
  std::error_code ignored;
  fs::remove_all(staging_, ignored);
}

void StagedTarget::publish() { move_to(target_, path()); }

}  // namespace telora
