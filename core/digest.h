#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace telora {

// SHA-256, incremental (libsodium). hex() may be called once.
class Sha256 {
 public:
  Sha256();
  Sha256& update(std::span<const std::byte> bytes);
  Sha256& update(std::string_view bytes);
  std::string hex();

 private:
  alignas(64) unsigned char state_[104];
};

std::string sha256(std::string_view bytes);                  // 64 lower-case hex digits
std::string sha256_file(const std::filesystem::path& path);  // throws as InputFile

}  // namespace telora
