#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "adapters/lora_adapter.h"
#include "backbone/decoder.h"
#include "eval/encoded_example.h"
#include "train/adamw.h"
#include "train/batch_order.h"
#include "train/frozen_states.h"
#include "train/recipe.h"
#include "train/run_log.h"
#include "train/schedule.h"
#include "train/train_pass.h"
#include "train/train_state.h"

namespace telora {

// What the caller wants to know of each step's batch before it is trained on (parity checks).
struct BatchView {
  int64_t step = 0;  // 1-based
  double lr = 0;
  std::vector<const EncodedExample*> rows;
};

struct TrainerHooks {
  // Loss and, where the recipe selects by it, accuracy on the validation part. step, epoch, best
  // are filled later. Nothing if it was stopped half way: it is made again after resuming.
  std::function<std::optional<EvaluationRecord>()> evaluate;
  std::function<void(const StepRecord&, int64_t total_steps)> on_step;
  std::function<void(const EvaluationRecord&)> on_evaluation;
  std::function<void(const TrainState&)> save;     // writes a checkpoint
  std::function<bool()> stop_asked;                // true: save and return
  std::function<void(const BatchView&)> on_batch;  // may be empty
};

enum class TrainEnd { kFinished, kStoppedEarly, kInterrupted };

// The training loop: packed passes, one AdamW update a step, validation, early stop. The decoder's
// adapter must be attached and have training enabled. `rows` stay the caller's, so that the runs of
// one process share them; they must outlive the trainer.
class Trainer {
 public:
  // `other_orders`: of each row, the same question with its options in other orders; empty if rows
  // are always shown as they are.
  Trainer(const Recipe& recipe, const Decoder& decoder, LoraAdapter& adapter,
          std::span<const EncodedExample> rows,
          std::span<const std::vector<EncodedExample>> other_orders = {});

  // Continues from a checkpoint's state: copies it into adapter and optimizer.
  void restore(const TrainState& state);
  // The next piece of work: the evaluation that is due, otherwise one step. Returns how training
  // ended once nothing is left, or after stop_asked (then the state is saved and no work was done).
  // Between two calls another adapter may use the decoder. Throws Error(data) for a loss or
  // gradient that is not finite, before it can touch the adapter.
  std::optional<TrainEnd> advance(const TrainerHooks& hooks);
  // advance() until the end.
  TrainEnd run(const TrainerHooks& hooks);

  const TrainState& state() const { return state_; }
  int64_t total_steps() const { return schedule_.total_steps; }
  int64_t steps_per_epoch() const { return order_.steps_per_epoch(); }
  // False: tokens that a batch's rows begin with are read with each of them.
  void allow_sharing(bool allowed) { sharing_allowed_ = allowed; }
  // States that runs of one process share; nullptr: none. They must outlive the trainer.
  void share_frozen(FrozenStates* states) { frozen_ = states; }
  // Sum of losses and their count over `rows` as they are now, without gradient.
  std::pair<double, int64_t> measure(const std::vector<EncodedExample>& rows) const;

 private:
  bool sharing_allowed_ = true;
  FrozenStates* frozen_ = nullptr;
  StepRecord step(const TrainerHooks& hooks);
  double accumulate_gradients(std::span<const EncodedExample* const> batch, int64_t& tokens);
  double clipped_scale(double norm) const;
  const EncodedExample& shown(size_t row) const;
  bool evaluate(const TrainerHooks& hooks);  // false: stopped half way
  bool evaluation_wanted();
  double epochs_done() const;

  Recipe recipe_;
  const Decoder& decoder_;
  LoraAdapter& adapter_;
  std::span<const EncodedExample> rows_;
  std::span<const std::vector<EncodedExample>> other_orders_;
  LossTokens loss_;
  BatchOrder order_;
  Schedule schedule_;
  int64_t evaluation_interval_;
  AdamW optimizer_;
  TrainState state_;
};

}  // namespace telora
