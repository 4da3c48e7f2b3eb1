#include "train/run_profiler.h"

namespace telora {

namespace {

constexpr int64_t kWarmUp = 2;

// The full loss wants the logits of every token of every row.
int64_t shared_tokens(const std::vector<const EncodedExample*>& rows, LossTokens loss) {
  return loss == LossTokens::kFull ? 0 : static_cast<int64_t>(shared_prompt_tokens(rows));
}

}  // namespace

RunProfiler::RunProfiler(Profile& profile, const Recipe& recipe, const DecoderSpec& spec)
    : profile_(profile),
      spec_(spec),
      loss_(recipe.loss == "full" ? LossTokens::kFull : LossTokens::kAnswer) {}

void RunProfiler::on_batch(const std::vector<const EncodedExample*>& batch) {
  full_ = count_work(batch, loss_, 0, spec_.sliding_window);
  shared_ = count_work(batch, loss_, shared_tokens(batch, loss_), spec_.sliding_window);
}

void RunProfiler::on_step(const StepRecord& record) {
  if (done_++ == kWarmUp) steps_ = {};
  steps_.tokens += record.tokens;
  steps_.seconds += static_cast<double>(record.tokens) / record.tokens_per_second;
  steps_.full += full_;
  steps_.shared += shared_;
}

RunProfile RunProfiler::result(int64_t adapter_parameters, const GemmRate& gemm,
                               const MemoryUse& memory) const {
  return {.seconds = profile_.seconds(),
          .parts = profile_.parts(),
          .tokens = steps_.tokens,
          .step_seconds = steps_.seconds,
          .flops = training_flops(spec_, adapter_parameters, steps_.full),
          .flops_shared = training_flops(spec_, adapter_parameters, steps_.shared),
          .gemm = gemm,
          .memory = memory};
}

}  // namespace telora
