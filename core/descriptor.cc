#include "core/descriptor.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace telora {

Descriptor::~Descriptor() {
  if (value_ >= 0) ::close(value_);
}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(value_, other.value_);
  return *this;
}

Descriptor open_descriptor(const std::string& name, int flags, unsigned mode) {
  if (name.find('\0') != std::string::npos) {
    errno = EINVAL;
    return {};
  }
  int value;
  do {
    value = ::open(name.c_str(), flags | O_CLOEXEC, mode);
  } while (value < 0 && errno == EINTR);
  return Descriptor(value);
}

std::string errno_text(int error) { return std::generic_category().message(error); }

}  // namespace telora
