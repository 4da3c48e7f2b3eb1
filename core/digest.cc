#include "core/digest.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <vector>

#include "core/error.h"
#include "core/files.h"

namespace telora {

namespace {

void require(int status) {
  if (status == 1) return;
  fail(ErrorKind::kInternal, {"OpenSSL", "SHA-256"}, "a failure", "a working libcrypto");
}

}  // namespace

Sha256::Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
  require(context_ ? EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) : 0);
}

Sha256& Sha256::update(std::span<const std::byte> bytes) {
  require(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()));
  return *this;
}

Sha256& Sha256::update(std::string_view bytes) { return update(std::as_bytes(std::span(bytes))); }

std::string Sha256::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  require(EVP_DigestFinal_ex(context_.get(), digest.data(), &size));
  std::string text;
  for (unsigned int i = 0; i < size; ++i) text += fmt::format("{:02x}", digest.at(i));
  return text;
}

std::string sha256(std::string_view bytes) { return Sha256().update(bytes).hex(); }

std::string sha256_file(const std::filesystem::path& path) {
  const InputFile file(path);
  Sha256 digest;
  std::vector<std::byte> buffer(size_t{1} << 20);
  for (uint64_t offset = 0; offset < file.size(); offset += buffer.size()) {
    const auto part =
        std::span(buffer).first(std::min<uint64_t>(buffer.size(), file.size() - offset));
    file.read(offset, part);
    digest.update(part);
  }
  return digest.hex();
}

}  // namespace telora
