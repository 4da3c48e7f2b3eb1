#include "train/trainer.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>

#include "backbone/torch.h"
#include "core/profile.h"
#include "train/option_order.h"

namespace telora {

namespace {

// The first steps pay for memory the allocator has not seen yet: they are left out of the run's
// speed.
constexpr int64_t kUncountedSteps = 2;

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

LossTokens parse_loss(const std::string& name) {
  return name == "full" ? LossTokens::kFull : LossTokens::kAnswer;
}

Schedule make_schedule(const Recipe& r, int64_t rows) {
  const int64_t total = total_steps(rows, r.batch_size, r.epochs, r.max_steps);
  return {.shape = parse_schedule_shape(r.schedule),
          .peak = r.learning_rate,
          .final_rate = r.final_lr,
          .warmup_steps = warmup_steps(total, r.warmup_ratio, r.warmup_min_steps),
          .total_steps = total};
}

// LoRA+ (Hayou et al. 2024), grouped as PEFT's create_loraplus_optimizer does: magnitudes go with
// B.
std::vector<RateSpan> rate_spans(const LoraAdapter& adapter, double ratio) {
  std::vector<RateSpan> spans;
  if (ratio == 1) return spans;
  for (const ParameterSpan& span : adapter.layout()) {
    spans.push_back({span.begin, span.count, span.part == LoraSide::kA ? 1.0 : ratio});
  }
  return spans;
}

template <typename F>
auto profiled(const char* part, F work) {
  const ProfileScope scope(part);
  return work();
}

double selected_value(const std::string& metric, const EvaluationRecord& record) {
  if (metric == "loss") return record.loss;
  if (metric == "balanced_accuracy") return record.balanced_accuracy.value_or(0);
  if (metric == kRotatedAccuracy) return record.rotated_accuracy.value_or(0);
  return record.selection_accuracy.value_or(0);
}

void require_finite(double value, const char* what, int64_t step) {
  if (std::isfinite(value)) return;
  fail(ErrorKind::kData, {"training", fmt::format("{} of step {}", what, step)},
       fmt::format("{}", value), "a finite number",
       "lower learning_rate, or check weights and data; the adapter was not updated");
}

}  // namespace

Trainer::Trainer(const Recipe& recipe, const Decoder& decoder, LoraAdapter& adapter,
                 std::span<const EncodedExample> rows,
                 std::span<const std::vector<EncodedExample>> other_orders)
    : recipe_(recipe),
      decoder_(decoder),
      adapter_(adapter),
      rows_(rows),
      other_orders_(other_orders),
      loss_(parse_loss(recipe.loss)),
      order_(rows_.size(), static_cast<size_t>(recipe.batch_size),
             static_cast<uint64_t>(recipe.seed)),
      schedule_(make_schedule(recipe, static_cast<int64_t>(rows_.size()))),
      evaluation_interval_(
          evaluation_interval(order_.steps_per_epoch(), recipe.evaluations_per_epoch)),
      optimizer_({recipe.beta1, recipe.beta2, recipe.epsilon, recipe.weight_decay},
                 adapter.parameters(), rate_spans(adapter, recipe.loraplus_lr_ratio)) {
  const bool by_loss = recipe.selection_metric == "loss";
  state_.early_stop = {.better = by_loss ? Better::kLower : Better::kHigher,
                       .min_delta = recipe.min_delta,
                       .patience = recipe.patience};
  state_.parameters = adapter.parameters();
  state_.first_moment = optimizer_.first_moment;
  state_.second_moment = optimizer_.second_moment;
  state_.best_parameters = adapter.parameters().clone();
  state_.initial_parameters = adapter.initial_parameters();
}

void Trainer::restore(const TrainState& state) {
  const at::NoGradGuard no_gradient;
  TrainState restored = state;
  for (auto part : {&TrainState::parameters, &TrainState::first_moment, &TrainState::second_moment,
                    &TrainState::best_parameters, &TrainState::initial_parameters}) {
    const bool same = (state.*part).defined() == (state_.*part).defined();
    if (same && !(state.*part).defined()) continue;
    if (!same || !(state.*part).sizes().equals((state_.*part).sizes())) {
      throw Error(ErrorKind::kConfig, "checkpoint: its adapter has another size than the recipe's");
    }
    (state_.*part).copy_(state.*part);
    restored.*part = state_.*part;
  }
  state_ = restored;
}

double Trainer::epochs_done() const {
  return static_cast<double>(state_.step) / static_cast<double>(order_.steps_per_epoch());
}

double Trainer::accumulate_gradients(std::span<const EncodedExample* const> batch,
                                     int64_t& tokens) {
  int64_t counted = 0;
  for (const EncodedExample* row : batch) counted += counted_targets(*row, loss_);
  adapter_.gradients().zero_();
  const auto position = static_cast<uint64_t>(state_.tokens_total);
  const std::vector<int32_t> shared =
      sharing_allowed_ ? shared_prefix(batch, loss_) : std::vector<int32_t>();
  const auto skipped = static_cast<int64_t>(shared.size());
  adapter_.set_dropout(recipe_.dropout, position);
  const size_t below = frozen_ ? decoder_.frozen_blocks() : 0;
  if (below > 0)
    frozen_->begin({{batch.begin(), batch.end()}, recipe_.tokens_per_pass, skipped, below});
  const auto frozen = [&] { return below > 0 ? frozen_->next() : nullptr; };
  const PrefixKeys prefix = profiled(
      "forward", [&] { return decoder_.read_prefix(shared, shared.empty() ? nullptr : frozen()); });
  double loss = 0;
  for (const auto& part : cut_into_passes(batch, recipe_.tokens_per_pass, skipped)) {
    const TrainPass pass = profiled("data", [&] { return build_pass(part, loss_, skipped); });
    adapter_.set_dropout(recipe_.dropout, position + static_cast<uint64_t>(skipped + tokens));
    // Divided by the targets of the whole batch: any cut into passes gives the same gradient.
    const at::Tensor mean = profiled("forward", [&] {
      const at::Tensor hidden = decoder_.hidden(pass.rows, pass.wanted, nullptr, &prefix, frozen());
      return decoder_.loss_sum(hidden, pass.targets) / static_cast<double>(counted);
    });
    profiled("backward", [&] { mean.backward(); });
    loss += mean.item<double>();
    tokens += pass.tokens;
  }
  profiled("backward", [&] { prefix.propagate(); });
  if (below > 0) frozen_->finish();
  adapter_.set_dropout(0, 0);
  return loss;
}

double Trainer::clipped_scale(double norm) const {
  if (recipe_.clip_norm <= 0) return 1.0;
  return std::min(1.0, recipe_.clip_norm / (norm + 1e-6));
}

// A row as this epoch shows it.
const EncodedExample& Trainer::shown(size_t row) const {
  if (other_orders_.empty()) return rows_[row];
  const std::vector<EncodedExample>& others = other_orders_[row];
  const int64_t epoch = state_.step / order_.steps_per_epoch();
  const size_t order =
      option_order(static_cast<uint64_t>(recipe_.seed), row, epoch, others.size() + 1);
  return order == 0 ? rows_[row] : others[order - 1];
}

StepRecord Trainer::step(const TrainerHooks& hooks) {
  const ProfileScope profile("train");
  const Stopwatch watch;
  const double rate = schedule_.rate(state_.step);
  std::vector<const EncodedExample*> batch;
  for (size_t row : order_.batch(state_.step)) batch.push_back(&shown(row));
  if (hooks.on_batch) hooks.on_batch({state_.step + 1, rate, batch});
  int64_t tokens = 0;
  const double loss = accumulate_gradients(batch, tokens);
  require_finite(loss, "loss", state_.step + 1);
  const ProfileScope optimizer("optimizer");
  const at::NoGradGuard no_gradient;
  const double norm =
      at::linalg_vector_norm(adapter_.gradients(), 2, {}, false, at::kDouble).item<double>();
  require_finite(norm, "gradient", state_.step + 1);
  optimizer_.update(adapter_.parameters(), adapter_.gradients(), rate, clipped_scale(norm),
                    state_.step + 1);
  const double seconds = watch.seconds();
  ++state_.step;
  state_.tokens_total += tokens;
  state_.seconds += seconds;
  if (state_.step > kUncountedSteps) {
    state_.step_seconds += seconds;
    state_.step_tokens += tokens;
  }
  return {.step = state_.step,
          .epoch = epochs_done(),
          .loss = loss,
          .lr = rate,
          .grad_norm = norm,
          .tokens = tokens,
          .tokens_total = state_.tokens_total,
          .seconds = state_.seconds,
          .tokens_per_second = static_cast<double>(tokens) / seconds};
}

bool Trainer::evaluate(const TrainerHooks& hooks) {
  const Stopwatch watch;
  std::optional<EvaluationRecord> made = hooks.evaluate();
  if (!made) return false;
  EvaluationRecord& record = *made;
  record.step = state_.step;
  record.epoch = epochs_done();
  const double value = selected_value(recipe_.selection_metric, record);
  record.best = state_.early_stop.observe(state_.step, value);
  if (record.best) state_.best_parameters.copy_(adapter_.parameters());
  state_.evaluation_due = false;
  state_.seconds += watch.seconds();
  record.seconds = state_.seconds;
  hooks.on_evaluation(record);
  return true;
}

// Without evaluations the last adapter is the one that is kept.
bool Trainer::evaluation_wanted() {
  if (evaluation_interval_ == 0) {
    state_.best_parameters.copy_(adapter_.parameters());
    state_.early_stop.best_step = state_.step;
    return false;
  }
  return state_.step % evaluation_interval_ == 0 || state_.step == schedule_.total_steps;
}

std::optional<TrainEnd> Trainer::advance(const TrainerHooks& hooks) {
  if (!state_.evaluation_due) {
    if (state_.early_stop.stopped) return TrainEnd::kStoppedEarly;
    if (state_.step >= schedule_.total_steps) return TrainEnd::kFinished;
  }
  if (hooks.stop_asked()) {
    hooks.save(state_);
    return TrainEnd::kInterrupted;
  }
  if (state_.evaluation_due) {
    const bool made = evaluate(hooks);
    hooks.save(state_);
    return made ? std::nullopt : std::optional(TrainEnd::kInterrupted);
  }
  hooks.on_step(step(hooks), schedule_.total_steps);
  state_.evaluation_due = evaluation_wanted();
  if (recipe_.checkpoint_every > 0 && state_.step % recipe_.checkpoint_every == 0)
    hooks.save(state_);
  return std::nullopt;
}

TrainEnd Trainer::run(const TrainerHooks& hooks) {
  while (true) {
    if (const auto end = advance(hooks)) return *end;
  }
}

std::pair<double, int64_t> Trainer::measure(const std::vector<EncodedExample>& rows) const {
  const at::NoGradGuard no_gradient;
  std::vector<const EncodedExample*> all;
  for (const EncodedExample& row : rows) all.push_back(&row);
  double sum = 0;
  int64_t count = 0;
  for (const auto& part : cut_into_passes(all, recipe_.tokens_per_pass)) {
    const TrainPass pass = build_pass(part, loss_);
    sum += decoder_.loss_sum(decoder_.hidden(pass.rows, pass.wanted), pass.targets).item<double>();
    count += pass.targets.numel();
  }
  return {sum, count};
}

}  // namespace telora
