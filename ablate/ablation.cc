#include "ablate/ablation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>

#include "ablate/verdict.h"
#include "ablate/worker.h"
#include "core/document.h"
#include "core/error.h"
#include "scoring/answering.h"
#include "scoring/report.h"
#include "scoring/resampling.h"
#include "scoring/statistics.h"

namespace telora {

namespace {

namespace fs = std::filesystem;
using Values = std::vector<std::pair<std::string, std::string>>;

void read_summary(const fs::path& folder, AblationRun& run) {
  const fs::path file = folder / "summary.json";
  Fields fields(Document::parse_json(read_text(file), file.string()));
  run.train_seconds = fields.number("train_seconds");
  run.tokens_per_second = fields.number("tokens_per_second");
  run.peak_rss_bytes = fields.integer("peak_rss_bytes");
  run.steps = fields.integer("steps");
  run.best_step = fields.integer("best_step");
  run.stopped_early = fields.boolean("stopped_early");
  run.parameters = fields.integer("parameters_trained");
  run.adapter_bytes = static_cast<int64_t>(fs::file_size(folder / "adapter_model.safetensors"));
}

void read_curve(const fs::path& folder, const std::string& metric, AblationRun& run) {
  for_each_line(folder / "metrics.jsonl", [&](std::string_view text, int) {
    const auto line = nlohmann::json::parse(text, nullptr, false);
    if (line.is_discarded() || !line.contains("evaluation")) return;
    CurvePoint point{.step = line.value("step", int64_t{0})};
    if (line.contains("loss") && line["loss"].is_number()) point.loss = line["loss"];
    if (line.contains(metric) && line[metric].is_number()) point.value = line[metric];
    run.curve.push_back(point);
  });
}

// Generated answers where there are any; else what was selected.
void read_answers(const fs::path& folder, AblationRun& run) {
  const fs::path file = folder / "predictions.jsonl";
  if (!fs::exists(file)) return;
  const std::vector<AnswerSet> sets = answer_sets(read_predictions(file));
  const AnswerSet* answers = find_answers(sets, kGenerated);
  if (answers == nullptr) answers = find_answers(sets, kSelection);
  if (answers == nullptr) return;
  run.score = answers->score();
  run.rows = answers->rows;
}

AblationRun read_run(const fs::path& folder, const PlannedRun& planned) {
  AblationRun run{.name = planned.name,
                  .values = planned.values,
                  .state = run_state(folder),
                  .failure = failure_of(folder)};
  if (run.state != RunState::kFinished) return run;
  read_summary(folder, run);
  read_curve(folder, planned.recipe.selection_metric, run);
  read_answers(folder, run);
  return run;
}

Values without_seed(const Values& values) {
  Values rest;
  for (const auto& pair : values) {
    if (pair.first != "seed") rest.push_back(pair);
  }
  return rest;
}

// Of each question, by the order of the first run: mean over the runs of a group.
std::vector<double> mean_marks(const Ablation& ablation, const AblationGroup& group) {
  const std::vector<Prediction>& first = ablation.runs[group.runs.front()].rows;
  std::vector<double> marks(first.size());
  for (const size_t index : group.runs) {
    const std::vector<Prediction>& rows = ablation.runs[index].rows;
    for (size_t i = 0; i < rows.size(); ++i) marks[i] += rows[i].correct ? 1 : 0;
  }
  for (double& mark : marks) mark /= static_cast<double>(group.runs.size());
  return marks;
}

std::vector<std::string> clusters_of(const Ablation& ablation) {
  std::vector<std::string> clusters;
  for (const AblationRun& run : ablation.runs) {
    if (run.rows.empty()) continue;
    for (const Prediction& row : run.rows) clusters.push_back(row.group);
    break;
  }
  return clusters;
}

// All runs answered the same questions, which have the same right answers.
void require_same_questions(const std::vector<AblationRun>& runs) {
  const AblationRun* first = nullptr;
  for (const AblationRun& run : runs) {
    if (run.rows.empty()) continue;
    if (first == nullptr) first = &run;
    const auto same = [](const Prediction& a, const Prediction& b) {
      return a.id == b.id && a.gold == b.gold;
    };
    if (std::ranges::equal(first->rows, run.rows, same)) continue;
    fail(ErrorKind::kData, {run.name, "predictions.jsonl"}, "other questions",
         "those of " + first->name, "runs on different data or splits cannot be compared");
  }
}

double mean_of(const Ablation& ablation, const AblationGroup& group, auto figure) {
  double sum = 0;
  for (const size_t index : group.runs) sum += static_cast<double>(figure(ablation.runs[index]));
  return sum / static_cast<double>(group.runs.size());
}

void add_accuracy(const Ablation& ablation, AblationGroup& group) {
  const auto rate = [&](size_t index) { return ablation.runs[index].score->rate(); };
  const auto [low, high] = std::ranges::minmax(group.runs, {}, rate);
  group.lowest = rate(low);
  group.highest = rate(high);
  const std::vector<double> marks = mean_marks(ablation, group);
  group.accuracy =
      std::accumulate(marks.begin(), marks.end(), 0.0) / static_cast<double>(marks.size());
  const auto n = static_cast<double>(marks.size());
  group.interval = wilson(std::llround(group.accuracy * n), std::ssize(marks));
}

void add_groups(Ablation& ablation) {
  for (size_t i = 0; i < ablation.runs.size(); ++i) {
    const AblationRun& run = ablation.runs[i];
    if (!run.score) continue;
    const Values values = without_seed(run.values);
    auto group = std::ranges::find(ablation.groups, values, &AblationGroup::values);
    if (group == ablation.groups.end()) {
      ablation.groups.push_back({.name = values_text(values), .values = values});
      group = ablation.groups.end() - 1;
    }
    group->runs.push_back(i);
  }
  for (AblationGroup& group : ablation.groups) {
    add_accuracy(ablation, group);
    group.adapter_bytes = mean_of(ablation, group, [](const auto& r) { return r.adapter_bytes; });
    group.train_seconds = mean_of(ablation, group, [](const auto& r) { return r.train_seconds; });
  }
}

void mark_front(Ablation& ablation) {
  for (AblationGroup& group : ablation.groups) {
    group.on_front = std::ranges::none_of(ablation.groups, [&](const AblationGroup& other) {
      const bool no_worse =
          other.adapter_bytes <= group.adapter_bytes && other.accuracy >= group.accuracy;
      return no_worse &&
             (other.adapter_bytes < group.adapter_bytes || other.accuracy > group.accuracy);
    });
  }
}

double normal_two_sided(double z) { return std::erfc(std::abs(z) / std::sqrt(2.0)); }

AblationPair compare_groups(const Ablation& ablation, size_t a, size_t b,
                            const std::vector<std::string>& clusters) {
  AblationPair pair{.first = a, .second = b};
  const std::vector<double> first = mean_marks(ablation, ablation.groups[a]),
                            second = mean_marks(ablation, ablation.groups[b]);
  std::vector<double> differences(first.size());
  PairedCounts counts{.n = std::ssize(first)};
  for (size_t i = 0; i < first.size(); ++i) {
    differences[i] = second[i] - first[i];
    counts.only_first += differences[i] < 0;
    counts.only_second += differences[i] > 0;
  }
  pair.difference = std::accumulate(differences.begin(), differences.end(), 0.0) /
                    static_cast<double>(differences.size());
  pair.interval = paired_bootstrap(differences, clusters, {});
  const bool single = ablation.groups[a].runs.size() == 1 && ablation.groups[b].runs.size() == 1;
  const double error = single ? 0 : clustered_standard_error(differences, clusters);
  pair.p = single      ? mcnemar(counts).exact
           : error > 0 ? normal_two_sided(pair.difference / error)
                       : 1;
  return pair;
}

void add_pairs(Ablation& ablation, const std::vector<std::string>& clusters) {
  std::vector<double> p;
  for (size_t a = 0; a < ablation.groups.size(); ++a) {
    for (size_t b = a + 1; b < ablation.groups.size(); ++b) {
      ablation.pairs.push_back(compare_groups(ablation, a, b, clusters));
      p.push_back(ablation.pairs.back().p);
    }
  }
  const std::vector<double> adjusted = holm(p);
  for (size_t i = 0; i < p.size(); ++i) ablation.pairs[i].adjusted_p = adjusted[i];
}

// The best of what costs nothing, by the report of any finished run.
void add_free(const fs::path& folder, Ablation& ablation) {
  for (const AblationRun& run : ablation.runs) {
    const fs::path file = folder / "runs" / run.name / "report.json";
    if (!run.score || !fs::exists(file)) continue;
    for (const PartBaselines& part : read_report(file).baselines) {
      if (part.part != "test" || part.baselines.empty()) continue;
      const Baseline& best = best_of(part.baselines);
      ablation.free_name = best.name;
      ablation.free_rate = best.rate();
      return;
    }
  }
}

}  // namespace

Finding AblationPair::finding() const {
  if (adjusted_p >= kSignificance) return Finding::kUndecided;
  if (interval.low > 0) return Finding::kBetter;
  return interval.high < 0 ? Finding::kWorse : Finding::kUndecided;
}

const AblationPair& pair_of(const Ablation& ablation, size_t a, size_t b) {
  const auto found = std::ranges::find_if(ablation.pairs, [&](const AblationPair& pair) {
    return pair.first == std::min(a, b) && pair.second == std::max(a, b);
  });
  if (found == ablation.pairs.end()) {
    fail(ErrorKind::kInternal, {"ablation", "pairs"}, fmt::format("none of {} and {}", a, b),
         "one of every two groups");
  }
  return *found;
}

Ablation read_ablation(const fs::path& folder, const Plan& plan) {
  Ablation ablation;
  if (!plan.runs.empty()) {
    ablation.category = plan.runs.front().recipe.category;
    ablation.backbone = plan.runs.front().recipe.backbone;
  }
  for (const PlannedRun& run : plan.runs) {
    ablation.runs.push_back(read_run(folder / "runs" / run.name, run));
    const AblationRun& read = ablation.runs.back();
    if (!read.score) continue;
    ablation.metric = read.score->name;
    ablation.questions = read.score->n;
  }
  require_same_questions(ablation.runs);
  const std::vector<std::string> clusters = clusters_of(ablation);
  add_groups(ablation);
  mark_front(ablation);
  add_pairs(ablation, clusters);
  add_free(folder, ablation);
  add_verdict(ablation);
  return ablation;
}

}  // namespace telora
