#include "backbone/packed_rows.h"

#include "backbone/torch.h"
#include "core/error.h"

namespace telora {

size_t RowPacker::add_segment(std::span<const int32_t> ids, AttentionSegment segment) {
  if (ids.empty()) throw Error(ErrorKind::kInternal, "packing: a row without tokens");
  segment.query_begin = tokens();
  segment.key_begin = outside_ + tokens();
  segment.query_count = segment.key_count = static_cast<int64_t>(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    ids_.push_back(ids[i]);
    positions_.push_back(segment.prefix_count + static_cast<int64_t>(i));
  }
  segments_.push_back(segment);
  return segments_.size() - 1;
}

size_t RowPacker::add(std::span<const int32_t> ids) {
  AttentionSegment segment;
  segment.prefix_count = outside_;
  return add_segment(ids, segment);
}

size_t RowPacker::add_branch(size_t prefix, std::span<const int32_t> ids) {
  if (outside_ > 0) throw Error(ErrorKind::kInternal, "packing: a row with two prefixes");
  AttentionSegment segment;
  segment.prefix_begin = segments_.at(prefix).key_begin;
  segment.prefix_count = segments_.at(prefix).key_count;
  return add_segment(ids, segment);
}

PackedRows RowPacker::finish() const {
  return {torch::tensor(ids_, torch::kInt64), torch::tensor(positions_, torch::kInt64), segments_};
}

PackedRows pack_rows(std::span<const std::vector<int32_t>> rows) {
  RowPacker packer;
  for (const std::vector<int32_t>& row : rows) packer.add(row);
  return packer.finish();
}

}  // namespace telora
