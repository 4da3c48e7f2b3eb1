#include "train/train_pass.h"

#include <algorithm>

#include "backbone/torch.h"

namespace telora {

namespace {

int64_t length_of(const EncodedExample& example) {
  return static_cast<int64_t>(example.prompt.size() + example.target.size());
}

// Index within its row of the first token whose next token counts.
int64_t first_wanted(const EncodedExample& example, LossTokens loss) {
  return loss == LossTokens::kFull ? 0 : static_cast<int64_t>(example.prompt.size()) - 1;
}

}  // namespace

std::vector<int32_t> row_ids(const EncodedExample& example) {
  std::vector<int32_t> ids = example.prompt;
  ids.insert(ids.end(), example.target.begin(), example.target.end());
  return ids;
}

int64_t counted_targets(const EncodedExample& example, LossTokens loss) {
  return length_of(example) - 1 - first_wanted(example, loss);
}

std::vector<int32_t> shared_prefix(std::span<const EncodedExample* const> batch, LossTokens loss) {
  const size_t shared = loss == LossTokens::kFull ? 0 : shared_prompt_tokens(batch);
  if (shared == 0) return {};
  return {batch[0]->prompt.begin(), batch[0]->prompt.begin() + static_cast<long>(shared)};
}

TrainPass build_pass(std::span<const EncodedExample* const> rows, LossTokens loss, int64_t shared) {
  TrainPass pass;
  RowPacker packer(shared);
  std::vector<int64_t> wanted, targets;
  for (const EncodedExample* example : rows) {
    const std::vector<int32_t> ids = row_ids(*example);
    const int64_t begin = packer.tokens() - shared;  // of the row's first token, had it been read
    const auto skipped = static_cast<size_t>(shared);
    packer.add(std::span(ids).subspan(skipped, ids.size() - 1 - skipped));
    for (auto i = first_wanted(*example, loss); i + 1 < static_cast<int64_t>(ids.size()); ++i) {
      wanted.push_back(begin + i);
      targets.push_back(ids[static_cast<size_t>(i) + 1]);
    }
    pass.tokens += length_of(*example);
  }
  pass.rows = packer.finish();
  pass.wanted = torch::tensor(wanted, torch::kInt64);
  pass.targets = torch::tensor(targets, torch::kInt64);
  return pass;
}

std::vector<std::vector<const EncodedExample*>> cut_into_passes(
    std::span<const EncodedExample* const> batch, int64_t tokens_per_pass, int64_t shared) {
  std::vector<std::vector<const EncodedExample*>> passes;
  int64_t tokens = 0;
  for (const EncodedExample* example : batch) {
    const int64_t own = length_of(*example) - shared;
    tokens += own;
    if (passes.empty() || tokens > tokens_per_pass) {
      passes.emplace_back();
      tokens = own;
    }
    passes.back().push_back(example);
  }
  return passes;
}

}  // namespace telora
