#include <fcntl.h>
#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <vector>

#include "core/descriptor.h"
#include "core/files.h"

namespace telora {

namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;

bool is_local_fault(int error) {
  return error == EIO || error == EMFILE || error == ENFILE || error == ENOMEM;
}

bool is_out_of_space(int error) { return error == ENOSPC || error == EDQUOT || error == EFBIG; }

std::string folder_of(const std::filesystem::path& path) {
  const std::string folder = path.parent_path().string();
  return folder.empty() ? "." : folder;
}

std::string free_space(const std::string& name) {
  struct statvfs status {};
  if (::statvfs(folder_of(name).c_str(), &status) != 0) return "an unknown number of";
  return std::to_string(uint64_t{status.f_bavail} * status.f_frsize);
}

[[noreturn]] void fail_write(const std::string& name, int error, uint64_t needed) {
  if (!is_out_of_space(error)) {
    fail(ErrorKind::kIo, {name, ""}, errno_text(error), "a file that can be written");
  }
  fail(ErrorKind::kIo, {name, ""},
       fmt::format("{} with {} bytes free", errno_text(error), free_space(name)),
       fmt::format("room for at least {} bytes", needed),
       "free some space or choose another place; nothing was written");
}

[[noreturn]] void fail_create(const std::string& name, int error) {
  if (is_out_of_space(error)) fail_write(name, error, 1);
  fail(is_local_fault(error) ? ErrorKind::kIo : ErrorKind::kCannotCreate, {name, ""},
       errno_text(error), "a place where files can be created");
}

constexpr const char* kTemporaryPrefix = ".telora-tmp-";

// fsync(2): 0 or the errno. Never repeated after a fault: the kernel may have dropped the pages,
// and would then report success.
int sync_file(int descriptor) {
  int status;
  do {
    status = ::fsync(descriptor);
  } while (status != 0 && errno == EINTR);
  return status == 0 ? 0 : errno;
}

// A new file beside the target, removed again unless it was renamed over the target.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::filesystem::path& target) : target_(target.string()) {
    if (!target.has_filename()) fail_create(target_, EISDIR);
    static std::atomic<unsigned> counter{0};
    const std::string folder = folder_of(target);
    do {
      name_ = fmt::format("{}/{}{}-{}", folder, kTemporaryPrefix, ::getpid(), counter++);
      descriptor_ = open_descriptor(name_, O_WRONLY | O_CREAT | O_EXCL, 0666);
    } while (!descriptor_.valid() && errno == EEXIST);
    if (!descriptor_.valid()) fail_create(target_, errno);
  }
  ~TemporaryFile() {
    if (!name_.empty()) ::unlink(name_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  int descriptor() const { return descriptor_.get(); }

  void rename_over_target(uint64_t bytes) {
    if (const int error = sync_file(descriptor_.get())) fail_write(target_, error, bytes);
    // Network file systems report late write faults here; after EINTR the descriptor is closed.
    if (::close(descriptor_.release()) != 0 && errno != EINTR) fail_write(target_, errno, bytes);
    if (target_.find('\0') != std::string::npos) fail_create(target_, EINVAL);
    if (::rename(name_.c_str(), target_.c_str()) != 0) fail_create(target_, errno);
    name_.clear();
    sync_folder(folder_of(target_));
  }

 private:
  std::string target_;
  std::string name_;
  Descriptor descriptor_;
};

}  // namespace

void OutputFile::append(std::string_view bytes) {
  appended_ += bytes.size();
  while (!bytes.empty()) {
    const size_t count = std::min(bytes.size(), kBufferBytes - buffer_.size());
    buffer_ += bytes.substr(0, count);
    bytes.remove_prefix(count);
    if (buffer_.size() == kBufferBytes) flush();
  }
}

void OutputFile::append(std::span<const std::byte> bytes) {
  append(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

void OutputFile::flush() {
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    const ssize_t count = ::write(descriptor_, rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      const int error = count < 0 ? errno : EIO;
      // What was written so far is about to go: give its space back before the free bytes are
      // counted.
      [[maybe_unused]] const int status = ::ftruncate(descriptor_, 0);
      fail_write(name_, error, appended_);
    }
    rest.remove_prefix(static_cast<size_t>(count));
  }
  buffer_.clear();
}

void publish_with(const std::filesystem::path& path,
                  const std::function<void(OutputFile&)>& write) {
  TemporaryFile temporary(path);
  OutputFile output(temporary.descriptor(), path.string());
  write(output);
  output.flush();
  temporary.rename_over_target(output.appended_);
}

void publish(const std::filesystem::path& path, std::string_view bytes) {
  publish_with(path, [&](OutputFile& output) { output.append(bytes); });
}

void remove_temporary_files(const std::filesystem::path& folder) {
  std::error_code ignored;
  std::vector<std::filesystem::path> left;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename();
    if (name.starts_with(kTemporaryPrefix)) left.push_back(entry.path());
  }
  for (const auto& path : left) std::filesystem::remove(path, ignored);
}

void create_folders(const std::filesystem::path& path) {
  std::vector<std::filesystem::path> missing;
  std::error_code error;
  for (std::filesystem::path folder = path; !folder.empty() && !is_directory(folder, error);
       folder = folder.parent_path()) {
    if (folder.has_filename()) missing.push_back(folder);
    if (folder == folder.parent_path()) break;
  }
  for (auto folder = missing.rbegin(); folder != missing.rend(); ++folder) {
    std::error_code created;
    create_directory(*folder, error);
    if (!is_directory(*folder, created)) {
      fail_create(folder->string(), error ? error.value() : EEXIST);
    }
    sync_folder(folder_of(*folder));
  }
}

void sync_folder(const std::filesystem::path& path) {
  const auto refuse = [&](int error) {
    fail(ErrorKind::kIo, {path.string(), ""}, errno_text(error), "a folder that can be synced",
         "its new entries may be lost if the power fails");
  };
  const Descriptor folder = open_descriptor(path.string(), O_RDONLY | O_DIRECTORY);
  if (!folder.valid()) refuse(errno);
  // EINVAL: a file system that cannot sync folders and needs no such call.
  const int error = sync_file(folder.get());
  if (error != 0 && error != EINVAL) refuse(error);
}

}  // namespace telora
