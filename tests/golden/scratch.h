#pragma once

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>

namespace telora::golden {

// An empty folder of a test's own, removed with everything in it at the end.
class Scratch {
 public:
  Scratch() : path_(std::filesystem::temp_directory_path() / name()) {
    std::filesystem::create_directories(path_);
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  static std::string name() {
    static std::atomic<int> count{0};
    return "telora-" + std::to_string(getpid()) + "-" + std::to_string(count++);
  }
  std::filesystem::path path_;
};

}  // namespace telora::golden
