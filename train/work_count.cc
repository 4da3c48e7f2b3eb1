#include "train/work_count.h"

#include <algorithm>

namespace telora {

namespace {

// Pairs of `queries` tokens of one row, each with itself and the up to window - 1 before it.
int64_t windowed_pairs(int64_t queries, int64_t window) {
  const int64_t growing = std::min(queries, window);
  return growing * (growing + 1) / 2 + (queries - growing) * window;
}

void add_tokens(TrainingWork& work, int64_t from, int64_t to, int64_t window) {
  work.tokens += to - from;
  work.pairs += windowed_pairs(to, to) - windowed_pairs(from, from);
  work.local_pairs += windowed_pairs(to, window) - windowed_pairs(from, window);
}

}  // namespace

TrainingWork& TrainingWork::operator+=(const TrainingWork& other) {
  tokens += other.tokens;
  pairs += other.pairs;
  local_pairs += other.local_pairs;
  answers += other.answers;
  return *this;
}

TrainingWork count_work(std::span<const EncodedExample* const> rows, LossTokens loss,
                        int64_t shared, int64_t window) {
  TrainingWork work;
  add_tokens(work, 0, shared, window);
  for (const EncodedExample* row : rows) {
    const auto read = static_cast<int64_t>(row->prompt.size() + row->target.size()) - 1;
    add_tokens(work, shared, read, window);
    work.answers += counted_targets(*row, loss);
  }
  return work;
}

double training_flops(const DecoderSpec& spec, int64_t adapter_parameters,
                      const TrainingWork& work) {
  double frozen = 0;
  for (const ModuleShape& m : linear_modules(spec)) {
    frozen += static_cast<double>(m.in) * static_cast<double>(m.out);
  }
  const auto local = static_cast<double>(std::ranges::count(spec.local_layers, true));
  const double pairs =
      (static_cast<double>(spec.layers) - local) * static_cast<double>(work.pairs) +
      local * static_cast<double>(work.local_pairs);
  const auto head = static_cast<double>(spec.vocab) * static_cast<double>(spec.hidden);
  return (4 * frozen + 6 * static_cast<double>(adapter_parameters)) *
             static_cast<double>(work.tokens) +
         12 * static_cast<double>(spec.heads * spec.head_dim) * pairs +
         4 * head * static_cast<double>(work.answers);
}

}  // namespace telora
