#include "ablate/ablation_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/files.h"
#include "scoring/report_text.h"

namespace telora {

namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchema = 1;
constexpr size_t kColumns = 100;

std::string megabytes(double bytes) { return fmt::format("{:.1f} MB", bytes / 1e6); }

std::string minutes(double seconds) {
  return seconds < 100 ? fmt::format("{:.0f} s", seconds) : fmt::format("{:.0f} min", seconds / 60);
}

std::string group_line(const Ablation& ablation, size_t index) {
  const AblationGroup& group = ablation.groups[index];
  const char* mark = ablation.best == index       ? "best"
                     : ablation.smallest == index ? "as good, smaller"
                     : group.on_front             ? "front"
                                                  : "";
  const std::string spread =
      group.runs.size() > 1
          ? fmt::format("{:.1f}–{:.1f} %", 100 * group.lowest, 100 * group.highest)
          : "";
  return fmt::format("  {:<22} {:>5} {:>9} {:>15} {:>13} {:>9} {:>8}  {}\n",
                     shortened(group.name, 22), group.runs.size(), percent(group.accuracy),
                     interval_text(group.interval), spread, megabytes(group.adapter_bytes),
                     minutes(group.train_seconds), mark);
}

std::string pair_line(const Ablation& ablation, const AblationPair& pair) {
  return fmt::format("  {:<24} {:<24} {:>+7.1f} {:>15} {:>8}  {}\n",
                     shortened(ablation.groups[pair.second].name, 24),
                     shortened(ablation.groups[pair.first].name, 24), 100 * pair.difference,
                     interval_text(pair.interval), p_text(pair.adjusted_p),
                     finding_text(pair.finding()));
}

std::string missing_lines(const Ablation& ablation) {
  std::string text;
  for (const AblationRun& run : ablation.runs) {
    if (run.state == RunState::kFinished) continue;
    const std::string why = !run.failure.empty()            ? "failed: " + run.failure
                            : run.state == RunState::kBegun ? "not finished"
                                                            : "not begun";
    text += wrapped(run.name + ": " + why, kColumns - 2, "  ");
  }
  return text;
}

Json values_json(const std::vector<std::pair<std::string, std::string>>& values) {
  Json json = Json::object();
  for (const auto& [key, value] : values) json[key] = value;
  return json;
}

Json curve_json(const std::vector<CurvePoint>& curve) {
  Json json = Json::array();
  for (const CurvePoint& point : curve) {
    Json one{{"step", point.step}, {"loss", point.loss}, {"value", nullptr}};
    if (point.value) one["value"] = *point.value;
    json.push_back(one);
  }
  return json;
}

Json run_json(const AblationRun& run) {
  static const char* const kStates[] = {"not begun", "not finished", "finished"};
  Json json{{"name", run.name},
            {"values", values_json(run.values)},
            {"state", kStates[static_cast<int>(run.state)]}};
  if (!run.failure.empty()) json["failure"] = run.failure;
  if (run.state != RunState::kFinished) return json;
  if (run.score) {
    json["correct"] = run.score->correct;
    json["n"] = run.score->n;
  }
  json["adapter_bytes"] = run.adapter_bytes;
  json["parameters"] = run.parameters;
  json["train_seconds"] = run.train_seconds;
  json["tokens_per_second"] = run.tokens_per_second;
  json["peak_rss_bytes"] = run.peak_rss_bytes;
  json["steps"] = run.steps;
  json["best_step"] = run.best_step;
  json["stopped_early"] = run.stopped_early;
  json["curve"] = curve_json(run.curve);
  return json;
}

Json group_json(const Ablation& ablation, const AblationGroup& group) {
  Json runs = Json::array();
  for (const size_t index : group.runs) runs.push_back(ablation.runs[index].name);
  return {{"name", group.name},
          {"values", values_json(group.values)},
          {"runs", runs},
          {"accuracy", group.accuracy},
          {"interval_95", {group.interval.low, group.interval.high}},
          {"lowest", group.lowest},
          {"highest", group.highest},
          {"adapter_bytes", group.adapter_bytes},
          {"train_seconds", group.train_seconds},
          {"on_front", group.on_front}};
}

Json pair_json(const Ablation& ablation, const AblationPair& pair) {
  return {{"first", ablation.groups[pair.first].name},
          {"second", ablation.groups[pair.second].name},
          {"difference", pair.difference},
          {"interval_95", {pair.interval.low, pair.interval.high}},
          {"p", pair.p},
          {"adjusted_p", pair.adjusted_p},
          {"finding", finding_text(pair.finding())}};
}

}  // namespace

std::string render_ablation(const Ablation& ablation) {
  std::string text = fmt::format("{} · {} · {} test questions, {}\n\n", ablation.category,
                                 ablation.backbone, ablation.questions, ablation.metric);
  text += fmt::format("  {:<22} {:>5} {:>9} {:>15} {:>13} {:>9} {:>8}\n", "", "seeds", "accuracy",
                      "95 % interval", "each", "adapter", "training");
  for (size_t i = 0; i < ablation.groups.size(); ++i) text += group_line(ablation, i);
  if (ablation.free_rate) {
    text += fmt::format("  {:<28} {:>9}   what costs nothing: {}\n", "A₀",
                        percent(*ablation.free_rate), ablation.free_name);
  }
  if (!ablation.pairs.empty()) {
    text += fmt::format("\n  {:<24} {:<24} {:>7} {:>15} {:>8}\n", "", "against", "points",
                        "95 % interval", "p (Holm)");
    for (const AblationPair& pair : ablation.pairs) text += pair_line(ablation, pair);
  }
  const std::string missing = missing_lines(ablation);
  if (!missing.empty()) text += "\n" + missing;
  return text + "\n" + wrapped(ablation.sentence, kColumns, "");
}

void write_ablation_json(const std::filesystem::path& path, const Ablation& ablation) {
  Json runs = Json::array(), groups = Json::array(), pairs = Json::array();
  for (const AblationRun& run : ablation.runs) runs.push_back(run_json(run));
  for (const AblationGroup& group : ablation.groups) groups.push_back(group_json(ablation, group));
  for (const AblationPair& pair : ablation.pairs) pairs.push_back(pair_json(ablation, pair));
  Json json{{"schema_version", kSchema},
            {"category", ablation.category},
            {"backbone", ablation.backbone},
            {"metric", ablation.metric},
            {"questions", ablation.questions}};
  if (ablation.free_rate) {
    json["free"] = {{"name", ablation.free_name}, {"rate", *ablation.free_rate}};
  }
  if (ablation.best) json["best"] = ablation.groups[*ablation.best].name;
  if (ablation.smallest) json["smallest_like_best"] = ablation.groups[*ablation.smallest].name;
  json["detectable_difference"] = ablation.detectable;
  json["sentence"] = ablation.sentence;
  json["groups"] = groups;
  json["pairs"] = pairs;
  json["runs"] = runs;
  publish(path, json.dump(1) + "\n");
}

}  // namespace telora
