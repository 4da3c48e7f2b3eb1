#pragma once

#include <chrono>
#include <cstdint>

namespace telora {

int64_t peak_rss_bytes();  // most memory this process has held at once

// Seconds by the clock since it was made.
class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace telora
