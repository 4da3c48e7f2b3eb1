#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "core/descriptor.h"
#include "core/files.h"

namespace telora {

namespace {

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

std::string read_holder(int descriptor) {
  std::array<char, 400> text{};
  const ssize_t count = ::pread(descriptor, text.data(), text.size(), 0);
  std::string holder(text.data(), count > 0 ? static_cast<size_t>(count) : 0);
  while (holder.ends_with('\n')) holder.pop_back();
  return holder.empty() ? "another process" : printable(holder, 300);
}

// The holder unlinks the file when done, so a file locked late may no longer be the one on disk.
bool is_current(int descriptor, const std::string& name) {
  struct stat ours {};
  struct stat there {};
  return ::fstat(descriptor, &ours) == 0 && ::lstat(name.c_str(), &there) == 0 &&
         ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

Descriptor open_lock_file(const std::string& name) {
  Descriptor lock = open_descriptor(name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0666);
  struct stat status {};
  if (!lock.valid()) {
    fail(ErrorKind::kCannotCreate, {name, ""}, errno_text(errno), "a lock file in this folder");
  }
  if (::fstat(lock.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    fail(ErrorKind::kCannotCreate, {name, ""}, "something else", "a regular file for the lock");
  }
  return lock;
}

void take(int descriptor, const std::string& name, const std::filesystem::path& folder) {
  int status;
  do {
    status = ::flock(descriptor, LOCK_EX | LOCK_NB);
  } while (status != 0 && errno == EINTR);
  if (status == 0) return;
  if (errno != EWOULDBLOCK) {
    fail(ErrorKind::kIo, {name, ""}, errno_text(errno), "a file system with working locks");
  }
  fail(ErrorKind::kBusy, {folder.string(), ""}, "a lock held by " + read_holder(descriptor),
       "a folder that no other process is writing",
       "wait until it has ended, or choose another folder");
}

}  // namespace

FolderLock::FolderLock(const std::filesystem::path& folder) : path_(folder / ".lock") {
  const std::string name = path_.string();
  Descriptor lock;
  do {
    lock = open_lock_file(name);
    take(lock.get(), name, folder);
  } while (!is_current(lock.get(), name));
  const std::string holder = fmt::format("pid {} on host {}\n", ::getpid(), host_name());
  const bool written =
      ::ftruncate(lock.get(), 0) == 0 &&
      ::pwrite(lock.get(), holder.data(), holder.size(), 0) == static_cast<ssize_t>(holder.size());
  if (!written) fail(ErrorKind::kIo, {name, ""}, errno_text(errno), "a writable lock file");
  descriptor_ = lock.release();
}

FolderLock::~FolderLock() {
  if (descriptor_ < 0) return;
  ::unlink(path_.c_str());
  ::close(descriptor_);
}

FolderLock::FolderLock(FolderLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}

}  // namespace telora
