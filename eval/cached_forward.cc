#include "eval/cached_forward.h"

#include "backbone/torch.h"

namespace telora {

int64_t CachedForward::add(AttentionSegment segment, int64_t first_slot, int64_t first_position,
                           std::span<const int32_t> ids) {
  const auto first = static_cast<int64_t>(ids_.size());
  segment.query_begin = first;
  segment.query_count = static_cast<int64_t>(ids.size());
  segment.choice = choice_;
  for (size_t i = 0; i < ids.size(); ++i) {
    ids_.push_back(ids[i]);
    positions_.push_back(first_position + static_cast<int64_t>(i));
    slots_.push_back(first_slot + static_cast<int64_t>(i));
  }
  segments_.push_back(segment);
  return first;
}

int64_t CachedForward::extend(int64_t begin, int64_t known, std::span<const int32_t> ids) {
  AttentionSegment segment;
  segment.key_begin = begin;
  segment.key_count = known + static_cast<int64_t>(ids.size());
  return add(segment, begin + known, known, ids);
}

int64_t CachedForward::branch(int64_t begin, int64_t known, int64_t own,
                              std::span<const int32_t> ids, int64_t own_known) {
  AttentionSegment segment;
  segment.prefix_begin = begin;
  segment.prefix_count = known;
  segment.key_begin = own;
  segment.key_count = own_known + static_cast<int64_t>(ids.size());
  return add(segment, own + own_known, known + own_known, ids);
}

int64_t CachedForward::want(int64_t index) {
  wanted_.push_back(index);
  return static_cast<int64_t>(wanted_.size()) - 1;
}

at::Tensor CachedForward::run(const Decoder& decoder, KeyValueCache& cache) const {
  const PackedRows rows{torch::tensor(ids_, torch::kInt64),
                        torch::tensor(positions_, torch::kInt64), segments_};
  cache.write_slots = torch::tensor(slots_, torch::kInt64);
  return decoder.logits(decoder.hidden(rows, torch::tensor(wanted_, torch::kInt64), &cache))
      .to(at::kCPU);
}

}  // namespace telora
