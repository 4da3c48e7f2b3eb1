#include "train/run.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "adapters/lora_adapter.h"
#include "backbone/backbone.h"
#include "backbone/device.h"
#include "backbone/torch.h"
#include "core/digest.h"
#include "core/files.h"
#include "core/memory.h"
#include "data/source.h"
#include "data/split.h"
#include "eval/encode.h"
#include "eval/evaluate.h"
#include "train/batch_dump.h"
#include "train/checkpoint.h"
#include "train/manifest.h"
#include "train/recipe_adapter.h"
#include "train/run_folder.h"
#include "train/run_scores.h"
#include "train/trainer.h"

namespace telora {

namespace {

constexpr const char* kRecipeFile = "recipe.yaml";

// Thrown by progress callbacks to leave an evaluation when the user wants to stop.
struct Interrupted {};

Recipe resolved_recipe(const Recipe& recipe, const DecoderSpec& spec, size_t training_rows) {
  return resolve_recipe(recipe, static_cast<int64_t>(training_rows), linear_modules(spec));
}

// Everything of a run that does not change while it trains.
class Run {
 public:
  Run(const RunRequest& request, const RunWatcher& watcher)
      : request_(request),
        watcher_(watcher),
        category_(find_category(request.recipe.category)),
        data_(load_category(find_source(source_option(request.recipe)), category_)),
        split_(make_split(data_.examples, category_, request.recipe.split_method,
                          static_cast<uint64_t>(request.recipe.split_seed))),
        folder_(request.resume ? RunFolder::resume(request.out) : RunFolder::create(request.out)),
        backbone_(load_backbone(request.recipe.backbone, frozen_type(request.recipe.precision),
                                request.recipe.chat_template, open_device(request.recipe.device))),
        recipe_(resolved_recipe(request.recipe, backbone_.decoder.spec(), split_.train.size())),
        encoder_(category_, backbone_, recipe_.max_length),
        adapter_(
            LoraAdapter::create(lora_config(recipe_), backbone_.decoder, lora_start(recipe_))) {}

  RunResult execute() {
    encode();
    show_header();
    begin_folder();
    try {
      return train_and_score();
    } catch (const Interrupted&) {
      return {.end = RunEnd::kInterrupted, .folder = folder_.root()};
    }
  }

 private:
  static std::optional<std::string> source_option(const Recipe& recipe) {
    return recipe.data.empty() ? std::nullopt : std::optional(recipe.data);
  }

  void encode() {
    train_ = encoder_.encode_all(data_.examples, split_.train);
    validation_ = encoder_.encode_all(data_.examples, split_.validation);
    test_ = encoder_.encode_all(data_.examples, split_.test);
    identity_ = {{"recipe", recipe_digest(recipe_)},
                 {"data", data_.sha256},
                 {"split", split_digest(split_)},
                 {"weights", backbone_.weights_digest},
                 {"tokenizer", backbone_.tokenizer.digest()}};
    int64_t shortened = 0;
    for (const auto* part : {&train_, &validation_, &test_}) {
      for (const EncodedExample& example : *part) shortened += example.shortened;
    }
    if (shortened > 0) {
      note(fmt::format("{} rows are longer than max_length = {} tokens: their texts were cut",
                       shortened, recipe_.max_length));
    }
  }

  void show_header() const {
    if (!watcher_.on_header) return;
    int64_t tokens = 0;
    for (const EncodedExample& row : train_)
      tokens += static_cast<int64_t>(row.prompt.size() + row.target.size());
    const int64_t frozen = telora::parameter_count(backbone_.decoder.spec());
    const int64_t trained = adapter_.parameter_count();
    const int64_t steps = total_steps(static_cast<int64_t>(train_.size()), recipe_.batch_size,
                                      recipe_.epochs, recipe_.max_steps);
    watcher_.on_header({
        {"backbone", fmt::format("{} ({})", recipe_.backbone, recipe_.precision)},
        {"adapter",
         fmt::format("{}, {} parameters trained ({:.2f} %), {} frozen", adapter_words(recipe_),
                     trained, 100.0 * static_cast<double>(trained) / static_cast<double>(frozen),
                     frozen)},
        {"data", fmt::format("{} from {}", category_.name, data_.origin)},
        {"rows",
         fmt::format("{} training, {} validation, {} test (split {}, seed {})", train_.size(),
                     validation_.size(), test_.size(), split_.method, split_.seed)},
        {"tokens", fmt::format("{} an epoch, loss over the {}", tokens,
                               recipe_.loss == "full" ? "whole row" : "answer only")},
        {"steps", fmt::format("{} of {} rows, at most", steps, recipe_.batch_size)},
        {"folder", folder_.root().string()},
    });
  }

  // The recipe goes first: a folder with one can be resumed, even before its first checkpoint.
  void begin_folder() {
    if (request_.resume) return;
    publish(folder_.path(kRecipeFile), to_yaml(recipe_));
    if (!request_.save_initial.empty()) write_adapter(request_.save_initial, adapter_.to_file());
  }

  RunResult train_and_score() {
    const Evaluation before = request_.evaluate_test
                                  ? score_test("base", folder_.path("predictions-base.jsonl"))
                                  : Evaluation{};
    adapter_.attach(backbone_.decoder);
    adapter_.enable_training(static_cast<uint64_t>(recipe_.seed));
    Trainer trainer(recipe_, backbone_.decoder, adapter_, train_);
    const TrainEnd end = train(trainer);
    if (end == TrainEnd::kInterrupted)
      return {.end = RunEnd::kInterrupted, .folder = folder_.root()};
    {
      const at::NoGradGuard no_gradient;
      adapter_.parameters().copy_(trainer.state().best_parameters);
    }
    const Evaluation after = request_.evaluate_test
                                 ? score_test("adapter", folder_.path("predictions.jsonl"))
                                 : Evaluation{};
    return publish_results(trainer, end, before, after);
  }

  // Scores of an earlier session of this run are taken from its file.
  Evaluation score_test(const std::string& name, const std::filesystem::path& file) {
    if (request_.resume && std::filesystem::exists(file)) {
      return evaluation_of(read_predictions(file), category_);
    }
    EvaluationOptions options;
    options.max_new_tokens = recipe_.max_new_tokens;
    options.tokens_per_pass = recipe_.tokens_per_pass;
    options.progress = progress_of("score " + name, test_.size());
    Evaluation evaluation = evaluate(backbone_, category_, data_.examples, test_, options);
    write_predictions(file, evaluation.predictions);
    return evaluation;
  }

  std::function<void(int64_t)> progress_of(const std::string& stage, size_t total) {
    return [this, stage, total](int64_t done) {
      if (watcher_.on_progress) watcher_.on_progress(stage, done, static_cast<int64_t>(total));
      if (stop_asked()) throw Interrupted{};
    };
  }

  TrainEnd train(Trainer& trainer) {
    int64_t resumed_step = 0;
    if (const auto loaded = load_newest_checkpoint(folder_.checkpoints())) {
      for (const std::string& name : loaded->damaged)
        note("checkpoint " + name + " is damaged: set aside");
      require_same_identity(loaded->identity, identity_, folder_.root().string());
      trainer.restore(loaded->state);
      resumed_step = loaded->state.step;
      note(fmt::format("resumed from checkpoint {}", loaded->name));
    }
    RunLog log = RunLog::open(folder_.path("metrics.jsonl"), resumed_step);
    std::optional<BatchDump> dump;
    if (!request_.dump_batches.empty()) dump.emplace(request_.dump_batches, recipe_.loss == "full");
    TrainerHooks hooks;
    hooks.evaluate = [&]() -> std::optional<EvaluationRecord> {
      try {
        return validate(trainer);
      } catch (const Interrupted&) {
        return std::nullopt;
      }
    };
    hooks.on_step = [&](const StepRecord& record, int64_t total) {
      log.write(record);
      if (watcher_.on_step) watcher_.on_step(record, total);
    };
    hooks.on_evaluation = [&](const EvaluationRecord& record) {
      log.write(record);
      if (watcher_.on_evaluation) watcher_.on_evaluation(record);
    };
    hooks.save = [&](const TrainState& state) {
      save_checkpoint(folder_.checkpoints(), state, identity_, recipe_.keep_checkpoints);
    };
    hooks.stop_asked = [this] { return stop_asked(); };
    if (dump) hooks.on_batch = [&](const BatchView& view) { dump->write(view); };
    return trainer.run(hooks);
  }

  EvaluationRecord validate(const Trainer& trainer) {
    EvaluationRecord record;
    record.split = "validation";
    record.n = static_cast<int64_t>(validation_.size());
    EvaluationOptions options;
    options.generate = false;
    options.tokens_per_pass = recipe_.tokens_per_pass;
    options.part = "validation";
    options.progress = progress_of("validate", validation_.size());
    const Evaluation evaluation =
        evaluate(backbone_, category_, data_.examples, validation_, options);
    record.selection_accuracy = evaluation.selection.rate();
    record.loss = evaluation.target_loss;
    if (recipe_.loss == "full") {
      const auto [sum, count] = trainer.measure(validation_);
      record.loss = sum / static_cast<double>(count);
    }
    return record;
  }

  Report make_report(const Evaluation& before, const Evaluation& after) const {
    Report report;
    report.category = category_.name;
    report.backbone = recipe_.backbone;
    report.parser = category_.parser;
    report.split_method = split_.method;
    report.split_seed = static_cast<int64_t>(split_.seed);
    report.rows = {static_cast<int64_t>(train_.size()), static_cast<int64_t>(validation_.size()),
                   static_cast<int64_t>(test_.size())};
    report.subjects = {{"base", {before.selection, before.generated}},
                       {"adapter", {after.selection, after.generated}}};
    report.baselines = shortcut_baselines(category_.kind, examples_at(data_.examples, split_.train),
                                          examples_at(data_.examples, split_.test));
    report.comparisons = {
        compare(kGenerated, "base", before.predictions, "adapter", after.predictions)};
    return report;
  }

  RunSummary summarise(const Trainer& trainer, TrainEnd end) const {
    const TrainState& state = trainer.state();
    RunSummary summary;
    summary.tokens_per_second =
        state.step_seconds > 0 ? static_cast<double>(state.step_tokens) / state.step_seconds : 0;
    summary.train_seconds = state.seconds;
    summary.tokens = state.tokens_total;
    summary.steps = state.step;
    summary.best_step = state.early_stop.best_step;
    summary.stopped_early = end == TrainEnd::kStoppedEarly;
    summary.peak_rss_bytes = peak_rss_bytes();
    summary.parameters_trained = adapter_.parameter_count();
    summary.parameters_frozen = telora::parameter_count(backbone_.decoder.spec());
    return summary;
  }

  RunResult publish_results(const Trainer& trainer, TrainEnd end, const Evaluation& before,
                            const Evaluation& after) {
    RunResult result{.end = RunEnd::kFinished, .folder = folder_.root()};
    if (request_.evaluate_test) result.report = make_report(before, after);
    const Report* report = result.report ? &*result.report : nullptr;
    const RunSummary summary = summarise(trainer, end);
    write_adapter(folder_.root(), adapter_.to_file());
    write_summary(folder_.path("summary.json"), summary);
    if (report) write_report(folder_.path("report.json"), *report);
    write_model_card(folder_.path("README.md"), recipe_, identity_, summary, report);
    write_manifest(folder_.path("telora.json"), recipe_, identity_, summary, report,
                   sha256_file(folder_.path("adapter_model.safetensors")),
                   sha256_file(folder_.path("adapter_config.json")));
    result.stopped_early = summary.stopped_early;
    result.best_step = summary.best_step;
    result.steps = summary.steps;
    return result;
  }

  bool stop_asked() const { return watcher_.stop_asked && watcher_.stop_asked(); }
  void note(const std::string& text) const {
    if (watcher_.on_note) watcher_.on_note(text);
  }

  const RunRequest& request_;
  const RunWatcher& watcher_;
  const Category& category_;
  DataSet data_;
  Split split_;
  RunFolder folder_;
  Backbone backbone_;
  Recipe recipe_;
  ExampleEncoder encoder_;
  LoraAdapter adapter_;
  std::vector<EncodedExample> train_, validation_, test_;
  RunIdentity identity_;
};

}  // namespace

RunResult run_training(const RunRequest& request, const RunWatcher& watcher) {
  if (request.recipe.threads > 0) at::set_num_threads(static_cast<int>(request.recipe.threads));
  open_device(request.recipe.device);  // before data is read and a folder is made
  Run run(request, watcher);
  keep_freed_memory();  // the model is loaded: what comes now is the same from step to step
  return run.execute();
}

}  // namespace telora
