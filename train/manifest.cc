#include "train/manifest.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/files.h"
#include "train/recipe_adapter.h"
#include "train/version.h"

namespace telora {

namespace {

using Json = nlohmann::ordered_json;

Json summary_json(const RunSummary& s) {
  return {{"tokens_per_second", s.tokens_per_second},
          {"peak_rss_bytes", s.peak_rss_bytes},
          {"train_seconds", s.train_seconds},
          {"tokens", s.tokens},
          {"steps", s.steps},
          {"best_step", s.best_step},
          {"stopped_early", s.stopped_early},
          {"parameters_trained", s.parameters_trained},
          {"parameters_frozen", s.parameters_frozen}};
}

Json score_json(const Score& score) {
  const Interval interval = score.interval();
  return {{"correct", score.correct},
          {"n", score.n},
          {"accuracy", score.rate()},
          {"wilson_95", {interval.low, interval.high}}};
}

Json results_json(const Report& report) {
  Json results = Json::object();
  for (const Subject& subject : report.subjects) {
    const PartResult* test = find_part(report, subject.name, "test");
    if (test == nullptr) continue;
    for (const Metric& metric : test->metrics) {
      results[subject.name][metric.score.name] = score_json(metric.score);
    }
  }
  for (const PartBaselines& part : report.baselines) {
    for (const Baseline& baseline : part.baselines) {
      if (part.part != "test") continue;
      results["baselines"][baseline.name] = {
          {"expected", baseline.expected}, {"n", baseline.n}, {"accuracy", baseline.rate()}};
    }
  }
  return results;
}

}  // namespace

void write_summary(const std::filesystem::path& path, const RunSummary& summary) {
  publish(path, summary_json(summary).dump(1) + "\n");
}

void write_manifest(const std::filesystem::path& path, const Recipe& recipe,
                    const RunIdentity& identity, const RunSummary& summary, const Report* report,
                    const std::string& adapter_sha256, const std::string& adapter_config_sha256) {
  Json manifest{{"format", 1},
                {"telora", kVersion},
                {"category", recipe.category},
                {"backbone", recipe.backbone},
                {"seed", recipe.seed},
                {"adapter_sha256", adapter_sha256},
                {"adapter_config_sha256", adapter_config_sha256},
                {"sha256", identity},
                {"vocabulary_size", summary.vocabulary_size},
                {"recipe", to_yaml(recipe)},
                {"summary", summary_json(summary)}};
  if (report) manifest["results"] = results_json(*report);
  publish(path, manifest.dump(1) + "\n");
}

void write_model_card(const std::filesystem::path& path, const Recipe& recipe,
                      const RunIdentity& identity, const RunSummary& summary,
                      const Report* report) {
  std::string card = fmt::format(
      "---\nlibrary_name: peft\nbase_model: {}\ntags: [lora, telecom, {}]\n---\n\n"
      "# LoRA adapter for {} ({})\n\n"
      "Trained with telora {} on {} rows of `{}` (split `{}`, seed {}), loss over the {}.\n"
      "{} parameters trained, {} frozen; {} steps, best at step {}.\n\n",
      recipe.backbone, recipe.category, recipe.category, adapter_words(recipe), kVersion,
      report ? std::to_string(report->rows.training) : "the training", recipe.category,
      recipe.split_method, recipe.split_seed, recipe.loss == "full" ? "whole row" : "answer only",
      summary.parameters_trained, summary.parameters_frozen, summary.steps, summary.best_step);
  if (takes_parts_of_weights(recipe.init)) {
    card += fmt::format(
        "Trained from init {}; the files hold the equal plain LoRA for the unchanged base: rank "
        "and "
        "alpha are doubled.\n\n",
        recipe.init);
  }
  if (report) card += fmt::format("```\n{}```\n\n", render_table(*report));
  card += "SHA-256 of what it was made from:\n\n";
  for (const auto& [name, digest] : identity) card += fmt::format("- {}: `{}`\n", name, digest);
  card += fmt::format("\nThe recipe, every value:\n\n```yaml\n{}```\n", to_yaml(recipe));
  publish(path, card);
}

}  // namespace telora
