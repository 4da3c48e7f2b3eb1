#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "backbone/packed_rows.h"
#include "eval/encoded_example.h"

namespace telora {

enum class LossTokens { kAnswer, kFull };

// One forward and backward pass: some rows of a batch, packed. The last token of a row is a target
// only, so it is not read.
struct TrainPass {
  PackedRows rows;
  at::Tensor wanted;   // [n] int64: tokens of the pass whose next token counts
  at::Tensor targets;  // [n] int64: those next tokens
  int64_t tokens = 0;  // real tokens of the rows, targets included
};

// The row as trained on: prompt, then target.
std::vector<int32_t> row_ids(const EncodedExample& example);
// Targets of a row that count.
int64_t counted_targets(const EncodedExample& example, LossTokens loss);

// Tokens that all rows of a batch begin with and that are read once for all of them (Decoder::
// read_prefix). The full loss wants the logits of every token of every row: none.
std::vector<int32_t> shared_prefix(std::span<const EncodedExample* const> batch, LossTokens loss);

// The rows without their first `shared` tokens, whose keys stand in front of the pass.
TrainPass build_pass(std::span<const EncodedExample* const> rows, LossTokens loss,
                     int64_t shared = 0);

// Cuts a batch into passes of at most `tokens_per_pass` tokens, in order, at least one row each;
// the first `shared` tokens of a row do not count.
std::vector<std::vector<const EncodedExample*>> cut_into_passes(
    std::span<const EncodedExample* const> batch, int64_t tokens_per_pass, int64_t shared = 0);

}  // namespace telora
