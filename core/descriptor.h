#pragma once

#include <string>
#include <utility>

namespace telora {

// Owns a POSIX file descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept;

  int get() const { return value_; }
  bool valid() const { return value_ >= 0; }
  int release() { return std::exchange(value_, -1); }

 private:
  int value_ = -1;
};

// open(2), repeated on EINTR, close-on-exec. A name with an embedded NUL fails with EINVAL.
Descriptor open_descriptor(const std::string& name, int flags, unsigned mode = 0);

// The system's words for an errno value.
std::string errno_text(int error);

}  // namespace telora
