#include "core/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "core/descriptor.h"

namespace telora {

namespace {

std::string_view file_kind(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a named pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

[[noreturn]] void fail_open(const std::string& name, int error) {
  const bool local = error == EIO || error == EMFILE || error == ENFILE || error == ENOMEM;
  fail(local ? ErrorKind::kIo : ErrorKind::kMissing, {name, ""}, errno_text(error),
       "a readable file", error == ENOENT ? "check the path" : "");
}

}  // namespace

InputFile::InputFile(const std::filesystem::path& path) : name_(path.string()) {
  // O_NONBLOCK: opening a named pipe must not wait for its writer.
  Descriptor descriptor = open_descriptor(name_, O_RDONLY | O_NONBLOCK);
  if (!descriptor.valid()) fail_open(name_, errno);
  struct stat status {};
  if (::fstat(descriptor.get(), &status) != 0) fail_open(name_, errno);
  if (!S_ISREG(status.st_mode)) {
    fail(ErrorKind::kMissing, {name_, ""}, file_kind(status.st_mode), "a regular file");
  }
  size_ = static_cast<uint64_t>(status.st_size);
  descriptor_ = descriptor.release();
}

InputFile::~InputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

InputFile::InputFile(InputFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      size_(other.size_),
      name_(std::move(other.name_)) {}

void InputFile::read(uint64_t offset, std::span<std::byte> out) const {
  if (offset > size_ || out.size() > size_ - offset) {
    fail(ErrorKind::kData, {name_, "", offset}, fmt::format("a file of {} bytes", size_),
         fmt::format("{} bytes from here", out.size()), "the file is cut off or damaged");
  }
  while (!out.empty()) {
    const ssize_t count = ::pread(descriptor_, out.data(), out.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      fail(ErrorKind::kIo, {name_, "", offset}, errno_text(errno), "a readable file");
    }
    if (count == 0) {
      fail(ErrorKind::kIo, {name_, "", offset}, "the end of the file",
           fmt::format("the {} bytes it had when opened", size_),
           "another program shortened it meanwhile");
    }
    out = out.subspan(static_cast<size_t>(count));
    offset += static_cast<uint64_t>(count);
  }
}

std::string read_text(const std::filesystem::path& path, uint64_t limit) {
  const InputFile file(path);
  if (file.size() > limit) {
    fail(ErrorKind::kData, {file.name(), ""}, fmt::format("{} bytes", file.size()),
         fmt::format("at most {} bytes", limit));
  }
  std::string text(file.size(), '\0');
  file.read(0, std::as_writable_bytes(std::span(text)));
  return text;
}

}  // namespace telora
