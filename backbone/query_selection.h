#pragma once

#include <ATen/core/Tensor.h>

#include "backbone/packed_rows.h"

namespace telora {

// Which tokens of a pass must be queries of the last block if only some hidden states are wanted:
// of each segment, those from its first wanted token on.
struct QuerySelection {
  at::Tensor queries;                      // [n] int64, ascending
  std::vector<AttentionSegment> segments;  // over them
  at::Tensor
      wanted;  // where the wanted ones lie among them; undefined: they are all of them, in order
};

// `wanted` [m] int64 on the CPU names tokens of `rows`, in any order, more than once if need be.
// The result's tensors are on `device`.
QuerySelection select_queries(const PackedRows& rows, const at::Tensor& wanted,
                              at::Device device = at::kCPU);

}  // namespace telora
