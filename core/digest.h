#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct evp_md_ctx_st;  // OpenSSL's EVP_MD_CTX

namespace telora {

// SHA-256, incremental (OpenSSL, which uses the processor's SHA instructions). hex() may be called
// once.
class Sha256 {
 public:
  Sha256();
  Sha256& update(std::span<const std::byte> bytes);
  Sha256& update(std::string_view bytes);
  std::string hex();

 private:
  std::unique_ptr<evp_md_ctx_st, void (*)(evp_md_ctx_st*)> context_;
};

std::string sha256(std::string_view bytes);                  // 64 lower-case hex digits
std::string sha256_file(const std::filesystem::path& path);  // throws as InputFile

}  // namespace telora
