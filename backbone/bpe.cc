#include "backbone/bpe.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <functional>
#include <queue>
#include <random>

#include "backbone/byte_level.h"
#include "backbone/piece_cache.h"
#include "core/error.h"

namespace telora {

namespace {

constexpr size_t kShortPiece = 64;  // symbols; longer pieces take the priority queue

uint64_t pair_key(int32_t left, int32_t right) {
  return (static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32) | static_cast<uint32_t>(right);
}

int32_t merged_id(uint64_t value) { return static_cast<int32_t>(value & 0xFFFFFFFF); }

int32_t token_of_merge(const Vocabulary& vocabulary, std::string_view text, const std::string& file,
                       const std::string& field) {
  const std::optional<int32_t> id = vocabulary.find(text);
  if (id) return *id;
  fail(ErrorKind::kData, {file, field}, fmt::format("'{}', which is no token", printable(text)),
       "two tokens whose joined text is a token");
}

}  // namespace

Merge resolve_merge(const Vocabulary& vocabulary, std::string_view left, std::string_view right,
                    const std::string& file, const std::string& field) {
  return {token_of_merge(vocabulary, left, file, field),
          token_of_merge(vocabulary, right, file, field),
          token_of_merge(vocabulary, std::string(left).append(right), file, field)};
}

Merge parse_merge(const Vocabulary& vocabulary, std::string_view text, const std::string& file,
                  const std::string& field) {
  const size_t space = text.find(' ');
  const bool two_parts = space != std::string_view::npos && space > 0 && space + 1 < text.size() &&
                         text.find(' ', space + 1) == text.npos;
  if (!two_parts) {
    fail(ErrorKind::kData, {file, field}, fmt::format("'{}'", printable(text)),
         "two tokens separated by one space");
  }
  return resolve_merge(vocabulary, text.substr(0, space), text.substr(space + 1), file, field);
}

// The random multiplier keeps a crafted list of merges from filling one neighbourhood of slots.
MergeTable::MergeTable(std::span<const Merge> merges, const std::string& file,
                       const std::string& field)
    : entries_(std::bit_ceil(2 * merges.size() + 2)),
      multiplier_((uint64_t{std::random_device()()} << 32) | std::random_device()() | 1),
      shift_(64 - std::countr_zero(entries_.size())) {
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const uint64_t pair = pair_key(merges[rank].left, merges[rank].right);
    size_t slot = slot_of(pair);
    while (entries_[slot].value != kNone && entries_[slot].pair != pair) {
      slot = (slot + 1) & (entries_.size() - 1);
    }
    if (entries_[slot].value != kNone) {
      fail(ErrorKind::kData, {file, fmt::format("{}[{}]", field, rank)},
           fmt::format("the pair of {}[{}] again", field, entries_[slot].value >> 32),
           "every pair once");
    }
    entries_[slot] = {pair, (uint64_t{rank} << 32) | static_cast<uint32_t>(merges[rank].merged)};
  }
}

uint64_t MergeTable::find(int32_t left, int32_t right) const {
  const uint64_t pair = pair_key(left, right);
  size_t slot = slot_of(pair);
  while (entries_[slot].pair != pair) {
    if (entries_[slot].value == kNone) return kNone;
    slot = (slot + 1) & (entries_.size() - 1);
  }
  return entries_[slot].value;
}

Bpe::Bpe(const Vocabulary& vocabulary, std::span<const Merge> merges, BpeOptions options,
         const std::string& file, const std::string& field)
    : vocabulary_(vocabulary),
      cache_owner_(PieceCache::new_owner()),
      merges_(merges, file, field),
      options_(options) {
  for (int byte = 0; byte < 256; ++byte) {
    byte_ids_[byte] = vocabulary.find(byte_spelling(static_cast<unsigned char>(byte))).value_or(-1);
  }
}

void Bpe::encode(std::string_view piece, bool, std::vector<int32_t>& ids) const {
  const std::optional<PieceCache::Key> key = PieceCache::key(piece);
  if (!key) return encode_uncached(piece, ids);
  PieceCache& cache = PieceCache::of_this_thread();
  if (cache.find(cache_owner_, *key, ids)) return;
  const size_t begin = ids.size();
  encode_uncached(piece, ids);
  cache.put(cache_owner_, *key, std::span(ids).subspan(begin));
}

void Bpe::encode_uncached(std::string_view piece, std::vector<int32_t>& ids) const {
  if (options_.ignore_merges) {
    if (const auto whole = vocabulary_.find(to_byte_alphabet(piece))) {
      ids.push_back(*whole);
      return;
    }
  }
  const size_t begin = ids.size();
  append_bytes(piece, ids);
  ids.resize(begin + merges_.merge(std::span(ids).subspan(begin)));
}

void Bpe::append_bytes(std::string_view piece, std::vector<int32_t>& ids) const {
  bool in_unknown = false;
  for (const char byte : piece) {
    const int32_t id = byte_ids_[static_cast<unsigned char>(byte)];
    if (id >= 0) {
      ids.push_back(id);
    } else if (options_.unknown >= 0 && !(in_unknown && options_.fuse_unknown)) {
      ids.push_back(options_.unknown);
    }
    in_unknown = id < 0;
  }
}

// Merges in place and returns how many symbols are left.
size_t MergeTable::merge_short(std::span<int32_t> ids) const {
  std::array<uint64_t, kShortPiece> pairs;  // pairs[i]: merge of ids[i] and ids[i + 1]
  size_t count = ids.size();
  for (size_t i = 0; i + 1 < count; ++i) pairs[i] = find(ids[i], ids[i + 1]);
  while (count > 1) {
    const size_t at = std::min_element(pairs.begin(), pairs.begin() + count - 1) - pairs.begin();
    if (pairs[at] == kNone) break;
    ids[at] = merged_id(pairs[at]);
    std::copy(ids.begin() + at + 2, ids.begin() + count, ids.begin() + at + 1);
    std::copy(pairs.begin() + at + 1, pairs.begin() + count - 1, pairs.begin() + at);
    --count;
    if (at > 0) pairs[at - 1] = find(ids[at - 1], ids[at]);
    if (at + 1 < count) pairs[at] = find(ids[at], ids[at + 1]);
  }
  return count;
}

namespace {

constexpr uint32_t kEnd = UINT32_MAX;

// Symbols as a linked list: a merge drops the right one. The queue holds (merge rank, position);
// an entry whose pair has changed since is skipped.
class MergeQueue {
 public:
  MergeQueue(const MergeTable& merges, std::span<int32_t> ids)
      : merges_(merges), ids_(ids), pairs_(ids.size(), MergeTable::kNone), links_(ids.size()) {
    const auto count = static_cast<uint32_t>(ids.size());
    for (uint32_t i = 0; i < count; ++i) {
      links_[i] = {i == 0 ? kEnd : i - 1, i + 1 == count ? kEnd : i + 1};
    }
    for (uint32_t i = 0; i < count; ++i) update(i);
  }

  size_t run() {
    while (!queue_.empty()) {
      const auto [rank, position] = queue_.top();
      queue_.pop();
      if (pairs_[position] >> 32 == rank) merge(position);
    }
    return compact();
  }

 private:
  struct Links {
    uint32_t previous;
    uint32_t next;
  };
  using Entry = std::pair<uint32_t, uint32_t>;

  void update(uint32_t position) {
    const uint32_t next = links_[position].next;
    pairs_[position] = next == kEnd ? MergeTable::kNone : merges_.find(ids_[position], ids_[next]);
    if (pairs_[position] != MergeTable::kNone) {
      queue_.emplace(static_cast<uint32_t>(pairs_[position] >> 32), position);
    }
  }

  void merge(uint32_t position) {
    const uint32_t dropped = links_[position].next;
    ids_[position] = merged_id(pairs_[position]);
    pairs_[dropped] = MergeTable::kNone;
    const uint32_t after = links_[dropped].next;
    links_[position].next = after;
    if (after != kEnd) links_[after].previous = position;
    update(position);
    if (links_[position].previous != kEnd) update(links_[position].previous);
  }

  size_t compact() {
    size_t count = 0;
    for (uint32_t i = 0; i != kEnd; i = links_[i].next) ids_[count++] = ids_[i];
    return count;
  }

  const MergeTable& merges_;
  std::span<int32_t> ids_;
  std::vector<uint64_t> pairs_;
  std::vector<Links> links_;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue_;
};

}  // namespace

size_t MergeTable::merge(std::span<int32_t> ids) const {
  return ids.size() <= kShortPiece ? merge_short(ids) : MergeQueue(*this, ids).run();
}

}  // namespace telora
