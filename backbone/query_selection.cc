#include "backbone/query_selection.h"

#include <algorithm>
#include <span>

#include "backbone/torch.h"

namespace telora {

namespace {

std::vector<int64_t> values_of(const at::Tensor& ids) {
  const at::Tensor own = ids.contiguous();
  const int64_t* begin = own.data_ptr<int64_t>();
  return {begin, begin + own.numel()};
}

}  // namespace

QuerySelection select_queries(const PackedRows& rows, const at::Tensor& wanted, at::Device device) {
  const std::vector<int64_t> asked = values_of(wanted);
  std::vector<int64_t> sorted = asked;
  std::ranges::sort(sorted);
  QuerySelection selection;
  std::vector<int64_t> queries;
  for (const AttentionSegment& s : rows.segments) {
    const int64_t end = s.query_begin + s.query_count;
    const auto first = std::ranges::lower_bound(sorted, s.query_begin);
    if (first == sorted.end() || *first >= end) continue;
    AttentionSegment segment = s;
    segment.query_begin = static_cast<int64_t>(queries.size());
    segment.query_count = end - *first;
    for (int64_t token = *first; token < end; ++token) queries.push_back(token);
    selection.segments.push_back(segment);
  }
  selection.queries = torch::tensor(queries, torch::kInt64).to(device);
  if (asked == queries) return selection;
  std::vector<int64_t> places;
  for (int64_t token : asked)
    places.push_back(std::ranges::lower_bound(queries, token) - queries.begin());
  selection.wanted = torch::tensor(places, torch::kInt64).to(device);
  return selection;
}

}  // namespace telora
