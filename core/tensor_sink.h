#pragma once

#include <cstdint>
#include <span>

#include "core/files.h"

namespace telora {

// Takes the bytes of one tensor, in pieces, on their way into a file; counts them.
class TensorSink {
 public:
  explicit TensorSink(OutputFile& output) : output_(output) {}
  void append(std::span<const std::byte> bytes) {
    output_.append(bytes);
    size_ += bytes.size();
  }
  uint64_t size() const { return size_; }

 private:
  OutputFile& output_;
  uint64_t size_ = 0;
};

}  // namespace telora
