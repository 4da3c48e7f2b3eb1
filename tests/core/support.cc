#include "support.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace telora {

TempFolder::TempFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "telora-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  path_ = name;
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path TempFolder::file(std::string_view name, std::string_view bytes) const {
  const std::filesystem::path path = path_ / name;
  std::ofstream(path, std::ios::binary).write(bytes.data(), std::ssize(bytes));
  return path;
}

std::vector<std::string> TempFolder::entries() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(path_)) {
    names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

MemoryFile::MemoryFile(std::string_view bytes) : descriptor_(::memfd_create("test", 0)) {
  if (::write(descriptor_, bytes.data(), bytes.size()) != std::ssize(bytes)) {
    throw std::runtime_error("no memory file");
  }
}

MemoryFile::~MemoryFile() { ::close(descriptor_); }

std::filesystem::path MemoryFile::path() const {
  return "/proc/self/fd/" + std::to_string(descriptor_);
}

std::string file_bytes(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

testing::AssertionResult names(const std::string& message,
                               std::initializer_list<std::string_view> words) {
  for (const std::string_view word : words) {
    if (message.find(word) == std::string::npos) {
      return testing::AssertionFailure() << "\"" << message << "\" lacks \"" << word << "\"";
    }
  }
  const bool control = std::ranges::any_of(message, [](char c) { return c >= 0 && c < 0x20; });
  if (control) return testing::AssertionFailure() << "control bytes in \"" << message << "\"";
  return testing::AssertionSuccess();
}

}  // namespace telora
