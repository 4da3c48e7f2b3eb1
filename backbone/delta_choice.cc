#include "backbone/delta_choice.h"

#include <algorithm>

#include "backbone/torch.h"
#include "core/error.h"

namespace telora {

at::Tensor DeltaChoice::forward(const at::Tensor&, const Linear& base) {
  throw Error(ErrorKind::kInternal, base.name + ": several adapters outside a fused block");
}

bool DeltaChoice::can_fuse() const {
  return std::ranges::all_of(choices_, [](const LinearDelta* d) { return !d || d->low_rank(); });
}

const LowRank* DeltaChoice::pair(size_t choice) const {
  if (choice >= choices_.size()) {
    throw Error(ErrorKind::kInternal, "a row asks for an adapter that is not attached");
  }
  return choices_[choice] ? choices_[choice]->low_rank() : nullptr;
}

std::vector<ChoiceRun> choice_runs(const std::vector<AttentionSegment>& segments) {
  std::vector<ChoiceRun> runs;
  for (const AttentionSegment& s : segments) {
    if (runs.empty() || runs.back().choice != s.choice) {
      runs.push_back({s.query_begin, s.query_count, s.choice});
    } else {
      runs.back().count += s.query_count;
    }
  }
  return runs;
}

}  // namespace telora
