#include "core/digest.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <new>
#include <vector>

#include "core/error.h"
#include "core/files.h"

namespace telora {

static_assert(sizeof(crypto_hash_sha256_state) <= 104);

namespace {

crypto_hash_sha256_state* state_of(unsigned char* bytes) {
  return std::launder(reinterpret_cast<crypto_hash_sha256_state*>(bytes));
}

void require_sodium() {
  static const int status = sodium_init();
  if (status < 0) fail(ErrorKind::kInternal, {"libsodium", ""}, "a failed start", "a working one");
}

}  // namespace

Sha256::Sha256() {
  require_sodium();
  crypto_hash_sha256_init(new (state_) crypto_hash_sha256_state);
}

Sha256& Sha256::update(std::span<const std::byte> bytes) {
  crypto_hash_sha256_update(state_of(state_), reinterpret_cast<const unsigned char*>(bytes.data()),
                            bytes.size());
  return *this;
}

Sha256& Sha256::update(std::string_view bytes) { return update(std::as_bytes(std::span(bytes))); }

std::string Sha256::hex() {
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
  crypto_hash_sha256_final(state_of(state_), digest.data());
  std::string text(2 * digest.size() + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), digest.data(), digest.size());
  text.pop_back();
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
