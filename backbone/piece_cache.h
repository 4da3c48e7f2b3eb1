#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace telora {

// Remembers the ids of short pieces. Each thread has one, shared by all tokenizers; a piece that
// comes twice costs one look into one cache line. A newer piece takes the place of an older one.
class PieceCache {
 public:
  static constexpr size_t kMaxBytes = 23;
  static constexpr size_t kMaxIds = 8;

  // A piece of at most kMaxBytes bytes, padded, with its length in the last byte.
  using Key = std::array<uint64_t, 3>;

  static PieceCache& of_this_thread();
  // A number that no other owner in this process has.
  static uint32_t new_owner();
  static std::optional<Key> key(std::string_view piece);  // empty: the piece is too long

  // Appends the ids that `owner` put in; false if they are not there.
  bool find(uint32_t owner, const Key& key, std::vector<int32_t>& ids) const;
  void put(uint32_t owner, const Key& key, std::span<const int32_t> ids);

 private:
  struct alignas(64) Slot {
    Key key{};
    uint32_t owner = 0;
    uint32_t count = 0;
    std::array<int32_t, kMaxIds> ids{};
  };
  static constexpr int kBits = 14;  // 1 MB of slots

  static size_t slot_of(const Key& key);

  std::vector<Slot> slots_ = std::vector<Slot>(size_t{1} << kBits);
};

}  // namespace telora
