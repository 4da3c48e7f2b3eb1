#pragma once

#include <cstddef>

namespace telora::fuzz {

// Ends the process when the memory that is allocated while it lives exceeds a small base and a few
// times the input. Only where the sanitizers' allocator is at work.
class MemoryWatch {
 public:
  explicit MemoryWatch(size_t input_bytes);
  ~MemoryWatch();
  MemoryWatch(const MemoryWatch&) = delete;
  MemoryWatch& operator=(const MemoryWatch&) = delete;
};

}  // namespace telora::fuzz
