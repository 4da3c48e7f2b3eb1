#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backbone/piece_model.h"
#include "backbone/vocabulary.h"

namespace telora {

// Two neighbouring tokens and the token that replaces them.
struct Merge {
  int32_t left;
  int32_t right;
  int32_t merged;
};

// The merge of "left right" (the spellings separated by one space).
// Throws Error(data) at `field` of `file` for another number of parts or a token that is missing.
Merge parse_merge(const Vocabulary& vocabulary, std::string_view text, const std::string& file,
                  const std::string& field);
Merge resolve_merge(const Vocabulary& vocabulary, std::string_view left, std::string_view right,
                    const std::string& file, const std::string& field);

// Hash table from a token pair to its merge; the rank is the position in the list of merges.
class MergeTable {
 public:
  static constexpr uint64_t kNone = UINT64_MAX;

  // Throws Error(data) at `field`[i] of `file` for a pair that stands in the list twice.
  MergeTable(std::span<const Merge> merges, const std::string& file, const std::string& field);

  // Rank in the upper half, merged id in the lower, so that the smaller value merges first.
  uint64_t find(int32_t left, int32_t right) const;

  // Merges neighbours of `ids` in place, the lowest rank first, then the leftmost, until none is
  // left; returns how many ids remain. Thread-safe.
  size_t merge(std::span<int32_t> ids) const;

 private:
  struct Entry {
    uint64_t pair = kNone;
    uint64_t value = kNone;
  };
  size_t slot_of(uint64_t pair) const { return (pair * multiplier_) >> shift_; }
  size_t merge_short(std::span<int32_t> ids) const;

  std::vector<Entry> entries_;
  uint64_t multiplier_;
  int shift_;
};

struct BpeOptions {
  bool ignore_merges = false;  // a piece that is a token as it stands is that token
  int32_t unknown = -1;        // token for bytes without one; -1: they are left out
  bool fuse_unknown = false;   // a run of them gives one token
};

// Byte-level byte pair encoding (Sennrich et al., 2016): merges the neighbours of lowest rank, the
// leftmost first, until none is left.
class Bpe : public PieceModel {
 public:
  // `vocabulary` must outlive this. Throws as MergeTable.
  Bpe(const Vocabulary& vocabulary, std::span<const Merge> merges, BpeOptions options,
      const std::string& file, const std::string& field);

  void encode(std::string_view piece, bool first, std::vector<int32_t>& ids) const override;
  // The same without the cache.
  void encode_uncached(std::string_view piece, std::vector<int32_t>& ids) const;

 private:
  void append_bytes(std::string_view piece, std::vector<int32_t>& ids) const;

  const Vocabulary& vocabulary_;
  const uint32_t cache_owner_;
  MergeTable merges_;
  std::array<int32_t, 256> byte_ids_;  // -1: the vocabulary has no such byte
  BpeOptions options_;
};

}  // namespace telora
