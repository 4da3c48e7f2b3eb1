#pragma once

#include <optional>
#include <vector>

#include "backbone/decoder_spec.h"
#include "core/profile.h"
#include "train/recipe.h"
#include "train/run_log.h"
#include "train/run_profile.h"
#include "train/work_count.h"

namespace telora {

// Collects what render_profile() shows while a run goes on. The first two steps, which pay for
// memory that the allocator has not seen yet, are left out of the share of the machine's rate,
// unless there are no others.
class RunProfiler {
 public:
  // `profile` is what the scopes count into while the run is worked for.
  RunProfiler(Profile& profile, const Recipe& recipe, const DecoderSpec& spec);

  // Before and after a step.
  void on_batch(const std::vector<const EncodedExample*>& batch);
  void on_step(const StepRecord& record);

  RunProfile result(int64_t adapter_parameters, const GemmRate& gemm,
                    const MemoryUse& memory) const;

 private:
  struct Steps {
    int64_t tokens = 0;
    double seconds = 0;
    TrainingWork full, shared;
  };

  const Profile& profile_;
  const DecoderSpec& spec_;
  LossTokens loss_;
  TrainingWork full_, shared_;  // of the batch of this step
  int64_t done_ = 0;            // steps of this session
  Steps steps_;                 // those that are counted
};

}  // namespace telora
