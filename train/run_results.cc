#include "train/run_results.h"

#include <fmt/format.h>

#include "core/digest.h"
#include "core/files.h"
#include "data/answer_parser.h"
#include "scoring/build_report.h"
#include "scoring/report_data.h"
#include "scoring/report_page.h"
#include "train/recipe_adapter.h"

namespace telora {

namespace {

template <typename T>
int64_t count(const std::vector<T>& rows) {
  return static_cast<int64_t>(rows.size());
}

int64_t tokens_of(const std::vector<EncodedExample>& rows) {
  int64_t tokens = 0;
  for (const EncodedExample& row : rows) tokens += count(row.prompt) + count(row.target);
  return tokens;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> run_header(
    const Recipe& recipe, const CategoryRows& rows, const EncodedParts& parts,
    const LoraAdapter& adapter, const DecoderSpec& spec, const RunFolder& folder) {
  const int64_t frozen = parameter_count(spec);
  const int64_t trained = adapter.parameter_count();
  const int64_t steps =
      total_steps(count(parts.train), recipe.batch_size, recipe.epochs, recipe.max_steps);
  return {
      {"backbone", fmt::format("{} ({})", recipe.backbone, recipe.precision)},
      {"adapter",
       fmt::format("{}, {} parameters trained ({:.2f} %), {} frozen", adapter_words(recipe),
                   trained, 100.0 * static_cast<double>(trained) / static_cast<double>(frozen),
                   frozen)},
      {"data", fmt::format("{} from {}", rows.category.name, rows.data.origin)},
      {"rows",
       fmt::format("{} training, {} validation, {} test (split {}, seed {})", parts.train.size(),
                   parts.validation.size(), parts.test.size(), rows.split.method, rows.split.seed)},
      {"tokens", fmt::format("{} an epoch, loss over the {}", tokens_of(parts.train),
                             recipe.loss == "full" ? "whole row" : "answer only")},
      {"steps", fmt::format("{} of {} rows, at most", steps, recipe.batch_size)},
      {"folder", folder.root().string()},
  };
}

Report run_report(const Recipe& recipe, const CategoryRows& rows, const EncodedParts& parts,
                  const Evaluation& before, const Evaluation& after) {
  const std::vector<Example>& examples = rows.data.examples;
  ReportInputs inputs;
  inputs.category = rows.category.name;
  inputs.backbone = recipe.backbone;
  inputs.parser = rows.category.parser;
  inputs.parser_version = describe_answer_parser(rows.category.parser);
  inputs.split_method = rows.split.method;
  inputs.split_seed = static_cast<int64_t>(rows.split.seed);
  inputs.rows = {count(parts.train), count(parts.validation), count(parts.test)};
  inputs.subjects = {{kBaseName, {{"test", before.predictions}}},
                     {"adapter", {{"test", after.predictions}}}};
  inputs.digests = {{"data", rows.data.sha256}, {"split", split_digest(rows.split)}};
  inputs.baselines = {part_baselines(rows.category, examples, rows.split, "test", rows.split.test)};
  return build_report(inputs);
}

RunSummary run_summary(const Trainer& trainer, TrainEnd end, const LoraAdapter& adapter,
                       const DecoderSpec& spec) {
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
  summary.parameters_trained = adapter.parameter_count();
  summary.parameters_frozen = parameter_count(spec);
  summary.vocabulary_size = spec.vocab;
  return summary;
}

void publish_run(const RunFolder& folder, const Recipe& recipe, const RunIdentity& identity,
                 const CategoryRows& rows, const LoraAdapter& adapter, const RunSummary& summary,
                 const Report* report) {
  write_adapter(folder.root(), adapter.to_file());
  write_summary(folder.path("summary.json"), summary);
  if (report) {
    write_report(folder.path("report.json"), *report);
    PageTexts texts;
    add_questions(rows.category, examples_at(rows.data.examples, rows.split.test), texts);
    publish(folder.path("report.html"), render_page(*report, texts));
  }
  write_model_card(folder.path("README.md"), recipe, identity, summary, report);
  write_manifest(folder.path("telora.json"), recipe, identity, summary, report,
                 sha256_file(folder.path("adapter_model.safetensors")),
                 sha256_file(folder.path("adapter_config.json")));
}

}  // namespace telora
