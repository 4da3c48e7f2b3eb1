#pragma once

#include <utility>
#include <vector>

#include "backbone/linear.h"
#include "backbone/packed_rows.h"

namespace telora {

// Several deltas on one linear, of which each row of a pass takes the one that its segment names
// (AttentionSegment::choice). Only without gradient and only as part of fused blocks.
class DeltaChoice : public LinearDelta {
 public:
  // A nullptr leaves the linear as it is. The deltas must outlive this.
  explicit DeltaChoice(std::vector<LinearDelta*> choices) : choices_(std::move(choices)) {}

  // Throws Error(internal): without the rows' segments there is nothing to choose by.
  at::Tensor forward(const at::Tensor& x, const Linear& base) override;
  const DeltaChoice* choice() const override { return this; }

  // True if all of them are LoRA pairs.
  bool can_fuse() const;
  // The pair of one choice; nullptr for the linear as it is. Throws Error(internal) for a choice
  // that was not given.
  const LowRank* pair(size_t choice) const;

 private:
  std::vector<LinearDelta*> choices_;
};

// Rows of a pass that take the same choice.
struct ChoiceRun {
  int64_t begin = 0;
  int64_t count = 0;
  size_t choice = 0;
};

// The segments' queries in order, neighbours of one choice together.
std::vector<ChoiceRun> choice_runs(const std::vector<AttentionSegment>& segments);

}  // namespace telora
