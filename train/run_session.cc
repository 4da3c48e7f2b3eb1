#include "train/run_session.h"

#include <fmt/format.h>

#include "backbone/torch.h"
#include "data/leaks.h"
#include "data/split.h"
#include "train/manifest.h"
#include "train/recipe_adapter.h"
#include "train/run_identity.h"
#include "train/run_results.h"

namespace telora {

namespace {

constexpr const char* kRecipeFile = "recipe.yaml";
constexpr const char* kBaseFile = "predictions-base.jsonl";

// Thrown by progress callbacks to leave an evaluation when the user wants to stop.
struct Interrupted {};

// Where nothing is offered nothing is selected.
void require_metric(const Recipe& recipe, const CategoryRows& rows) {
  if (rows.category.kind != TaskKind::kNumber || recipe.selection_metric == "loss") return;
  fail(ErrorKind::kConfig, {"recipe", "selection_metric"},
       recipe.selection_metric + " for " + rows.category.name, "loss: its answers are numbers",
       "--set selection_metric=loss");
}

// A test row that was trained on word for word measures memory, not skill.
void require_no_leaks(const Recipe& recipe, const CategoryRows& rows) {
  if (recipe.allow_leaks) return;
  const auto leaks = exact_test_duplicates(rows.split, rows.data.examples);
  if (leaks.empty()) return;
  const auto id = [&](size_t index) { return rows.data.examples[index].id; };
  fail(ErrorKind::kData, {"training part", "split " + rows.split.method},
       fmt::format("{} rows that are test rows too, {} as {} for one", leaks.size(),
                   id(leaks[0].train), id(leaks[0].test)),
       "parts without a row in common",
       "--split-method group keeps them apart; --set allow_leaks=true trains all the same");
}

}  // namespace

RunSession::RunSession(const RunRequest& request, const RunWatcher& watcher, RunFolder folder,
                       Workbench& bench, Profile* profile)
    : request_(request),
      watcher_(watcher),
      folder_(std::move(folder)),
      bench_(bench),
      rows_(bench.rows(request.recipe)),
      recipe_(resolved_for(request.recipe, rows_, bench.backbone().decoder.spec())),
      parts_(bench.parts(recipe_)),
      adapter_(
          LoraAdapter::create(lora_config(recipe_), bench.backbone().decoder, lora_start(recipe_))),
      identity_(run_identity(recipe_, rows_,
                             {bench.backbone().weights_digest, bench.backbone().tokenizer})) {
  require_metric(recipe_, rows_);
  require_no_leaks(recipe_, rows_);
  const auto one = static_cast<int64_t>(adapter_.parameters().nbytes());
  const int64_t copies = adapter_.initial_parameters().defined() ? 4 : 3;  // gradients, best
  bench_.hold(copies * one, 2 * one);
  if (profile) profiler_.emplace(*profile, recipe_, bench_.backbone().decoder.spec());
}

// The recipe goes first: a folder with one can be resumed, even before its first checkpoint.
void RunSession::begin() {
  if (watcher_.on_header) {
    watcher_.on_header(
        run_header(recipe_, rows_, parts_, adapter_, bench_.backbone().decoder.spec(), folder_));
  }
  if (request_.resume) return;
  publish(folder_.path(kRecipeFile), to_yaml(recipe_));
  if (!request_.save_initial.empty()) write_adapter(request_.save_initial, adapter_.to_file());
}

std::optional<RunResult> RunSession::advance() {
  try {
    if (stage_ == Stage::kBase) {
      if (stop_asked()) return interrupted();
      score_base();
      start_training();
      return std::nullopt;
    }
    const AttachedDeltas attached(slots_, bench_.backbone().decoder);
    if (stage_ == Stage::kAdapter) return finish();
    train_on();
    if (end_ == TrainEnd::kInterrupted) return interrupted();
    return std::nullopt;
  } catch (const Interrupted&) {
    return interrupted();
  }
}

// Scores of an earlier session of this run are taken from their file.
std::optional<Evaluation> RunSession::earlier_scores(const std::filesystem::path& file) const {
  if (!request_.resume || !std::filesystem::exists(file)) return std::nullopt;
  return Evaluation{.predictions = read_predictions(file)};
}

void RunSession::score_base() {
  if (!request_.evaluate_test) return;
  const std::filesystem::path file = folder_.path(kBaseFile);
  if (auto earlier = earlier_scores(file)) {
    before_ = *std::move(earlier);
    return;
  }
  const ProfileScope scope("evaluation");
  before_ = bench_.base_scores(recipe_, progress_of("score base", parts_.test.size()));
  write_predictions(file, before_.predictions);
}

void RunSession::start_training() {
  Decoder& decoder = bench_.backbone().decoder;
  try {
    adapter_.attach(decoder);
  } catch (const Error&) {
    LoraAdapter::detach(decoder);
    throw;
  }
  slots_ = DeltaSlots::take(decoder);
  adapter_.enable_training(static_cast<uint64_t>(recipe_.seed));
  trainer_.emplace(recipe_, decoder, adapter_, parts_.train, parts_.train_orders);
  trainer_->share_frozen(&bench_.frozen_states());
  restore();
  log_.emplace(RunLog::open(folder_.path("metrics.jsonl"), trainer_->state().step));
  if (!request_.dump_batches.empty()) dump_.emplace(request_.dump_batches, recipe_.loss == "full");
  hooks_ = make_hooks();
  stage_ = Stage::kTrain;
}

void RunSession::restore() {
  const auto loaded = load_newest_checkpoint(folder_.checkpoints());
  if (!loaded) return;
  for (const std::string& name : loaded->damaged)
    note("checkpoint " + name + " is damaged: set aside");
  require_same_identity(loaded->identity, identity_, folder_.root().string());
  trainer_->restore(loaded->state);
  note(fmt::format("resumed from checkpoint {}", loaded->name));
}

TrainerHooks RunSession::make_hooks() {
  TrainerHooks hooks;
  hooks.evaluate = [this] { return validate(); };
  hooks.on_step = [this](const StepRecord& record, int64_t total) {
    log_->write(record);
    if (profiler_) profiler_->on_step(record);
    if (watcher_.on_step) watcher_.on_step(record, total);
  };
  hooks.on_evaluation = [this](const EvaluationRecord& record) {
    log_->write(record);
    if (watcher_.on_evaluation) watcher_.on_evaluation(record);
  };
  hooks.save = [this](const TrainState& state) {
    const ProfileScope scope("checkpoint");
    save_checkpoint(folder_.checkpoints(), state, identity_, recipe_.keep_checkpoints);
  };
  hooks.stop_asked = [this] { return stop_asked(); };
  if (dump_ || profiler_) {
    hooks.on_batch = [this](const BatchView& batch) {
      if (dump_) dump_->write(batch);
      if (profiler_) profiler_->on_batch(batch.rows);
    };
  }
  return hooks;
}

void RunSession::train_on() {
  const auto end = trainer_->advance(hooks_);
  if (!end) return;
  end_ = *end;
  stage_ = Stage::kAdapter;
}

std::optional<EvaluationRecord> RunSession::validate() {
  const ProfileScope scope("evaluation");
  EvaluationOptions options = test_options(recipe_);
  options.generate = false;
  options.part = "validation";
  options.progress = progress_of("validate", parts_.validation.size());
  const bool rotated = recipe_.selection_metric == kRotatedAccuracy;
  const auto& [moved, moved_encoded] = parts_.rotated_validation;
  const auto& examples = rotated ? moved : rows_.data.examples;
  const auto& encoded = rotated ? moved_encoded : parts_.validation;
  EvaluationRecord record;
  record.split = "validation";
  record.n = static_cast<int64_t>(parts_.validation.size());
  try {
    const Evaluation evaluation =
        evaluate(bench_.backbone(), rows_.category, examples, encoded, options);
    if (rotated) {
      record.rotated_accuracy = selection_accuracy(evaluation.predictions);
    } else if (rows_.category.kind != TaskKind::kNumber) {
      record.selection_accuracy = selection_accuracy(evaluation.predictions);
      record.balanced_accuracy = balanced_accuracy(evaluation.predictions);
    }
    record.loss = evaluation.target_loss;
  } catch (const Interrupted&) {
    return std::nullopt;
  }
  if (recipe_.loss == "full") {
    const auto [sum, count] = trainer_->measure(encoded);
    record.loss = sum / static_cast<double>(count);
  }
  return record;
}

Evaluation RunSession::score_adapter() {
  const std::filesystem::path file = folder_.path("predictions.jsonl");
  if (auto earlier = earlier_scores(file)) return *std::move(earlier);
  const ProfileScope scope("evaluation");
  EvaluationOptions options = test_options(recipe_);
  options.progress = progress_of("score adapter", parts_.test.size());
  Evaluation evaluation =
      evaluate(bench_.backbone(), rows_.category, rows_.data.examples, parts_.test, options);
  write_predictions(file, evaluation.predictions);
  return evaluation;
}

RunResult RunSession::finish() {
  {
    const at::NoGradGuard no_gradient;
    adapter_.parameters().copy_(trainer_->state().best_parameters);
  }
  RunResult result{.end = RunEnd::kFinished, .folder = folder_.root()};
  if (request_.evaluate_test)
    result.report = run_report(recipe_, rows_, parts_, before_, score_adapter());
  const DecoderSpec& spec = bench_.backbone().decoder.spec();
  const RunSummary summary = run_summary(*trainer_, end_, adapter_, spec);
  result.stopped_early = summary.stopped_early;
  result.best_step = summary.best_step;
  result.steps = summary.steps;
  if (recipe_.evaluations_per_epoch > 0) result.best_value = trainer_->state().early_stop.best;
  if (profiler_) {
    result.profile =
        profiler_->result(adapter_.parameter_count(), bench_.gemm_rate(), bench_.memory());
    write_profile(folder_.path("profile.json"), *result.profile);
  }
  publish_run(folder_, recipe_, identity_, rows_, adapter_, summary,
              result.report ? &*result.report : nullptr);
  return result;
}

std::function<void(int64_t)> RunSession::progress_of(const std::string& stage, size_t total) const {
  return [this, stage, total](int64_t done) {
    if (watcher_.on_progress) watcher_.on_progress(stage, done, static_cast<int64_t>(total));
    if (stop_asked()) throw Interrupted{};
  };
}

RunResult RunSession::interrupted() const {
  return {.end = RunEnd::kInterrupted, .folder = folder_.root()};
}

void RunSession::note(const std::string& text) const {
  if (watcher_.on_note) watcher_.on_note(text);
}

}  // namespace telora
