#include "backbone/piece_cache.h"

#include <algorithm>
#include <atomic>
#include <cstring>

namespace telora {

PieceCache& PieceCache::of_this_thread() {
  thread_local PieceCache cache;
  return cache;
}

uint32_t PieceCache::new_owner() {
  static std::atomic<uint32_t> last{0};
  return ++last;
}

std::optional<PieceCache::Key> PieceCache::key(std::string_view piece) {
  if (piece.size() > kMaxBytes) return std::nullopt;
  std::array<char, sizeof(Key)> bytes{};
  std::memcpy(bytes.data(), piece.data(), piece.size());
  bytes.back() = static_cast<char>(piece.size());
  Key key;
  std::memcpy(key.data(), bytes.data(), sizeof key);
  return key;
}

size_t PieceCache::slot_of(const Key& key) {
  constexpr uint64_t kOdd = 0x9E3779B97F4A7C15;
  uint64_t hash = key[0] * kOdd;
  hash = (hash ^ (hash >> 29) ^ key[1]) * kOdd;
  hash = (hash ^ (hash >> 29) ^ key[2]) * kOdd;
  return hash >> (64 - kBits);
}

bool PieceCache::find(uint32_t owner, const Key& key, std::vector<int32_t>& ids) const {
  const Slot& slot = slots_[slot_of(key)];
  if (slot.owner != owner || slot.key != key) return false;
  ids.insert(ids.end(), slot.ids.begin(), slot.ids.begin() + slot.count);
  return true;
}

void PieceCache::put(uint32_t owner, const Key& key, std::span<const int32_t> ids) {
  if (ids.size() > kMaxIds) return;
  Slot& slot = slots_[slot_of(key)];
  slot.key = key;
  slot.owner = owner;
  slot.count = static_cast<uint32_t>(ids.size());
  std::ranges::copy(ids, slot.ids.begin());
}

}  // namespace telora
