#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

namespace telora {

// What the queries of one row may attend to: all keys of an optional shared prefix, then its own
// keys causally. The queries are the last `query_count` of its own keys. Ranges index the batch
// (queries) and the key pool (keys): the batch itself, or a KeyValueCache.
struct AttentionSegment {
  int64_t query_begin = 0;
  int64_t query_count = 0;
  int64_t key_begin = 0;
  int64_t key_count = 0;
  int64_t prefix_begin = 0;
  int64_t prefix_count = 0;
  size_t choice = 0;  // of the adapters, where several are attached (backbone/delta_choice.h)
  bool operator==(const AttentionSegment&) const = default;
};

// Token rows laid end to end without padding.
struct PackedRows {
  at::Tensor ids;        // [T] int64
  at::Tensor positions;  // [T] int64, 0-based within each row (after its prefix)
  std::vector<AttentionSegment> segments;

  int64_t tokens() const { return ids.defined() ? ids.numel() : 0; }
};

// Lays rows end to end; each attends to itself only.
PackedRows pack_rows(std::span<const std::vector<int32_t>> rows);

// Collects rows one by one; `prefix` names an earlier row of the same batch that the new row
// continues.
class RowPacker {
 public:
  // All rows continue `outside` tokens whose keys stand in front of the batch's own in the pool.
  explicit RowPacker(int64_t outside = 0) : outside_(outside) {}

  // Index of the new row. Throws Error(internal) for an empty row.
  size_t add(std::span<const int32_t> ids);
  size_t add_branch(size_t prefix, std::span<const int32_t> ids);
  int64_t row_begin(size_t row) const { return segments_[row].query_begin; }
  int64_t tokens() const { return static_cast<int64_t>(ids_.size()); }
  PackedRows finish() const;

 private:
  size_t add_segment(std::span<const int32_t> ids, AttentionSegment segment);
  int64_t outside_;
  std::vector<int64_t> ids_;
  std::vector<int64_t> positions_;
  std::vector<AttentionSegment> segments_;
};

}  // namespace telora
