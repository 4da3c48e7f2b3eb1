#include "scoring/part_result.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "scoring/part_answers.h"
#include "scoring/resampling.h"
#include "scoring/skill.h"

namespace telora {

namespace {

std::optional<double> if_number(double value) {
  return std::isnan(value) ? std::nullopt : std::optional(value);
}

Metric metric_of(const AnswerSet& set, std::optional<double> free) {
  std::vector<double> marks;
  std::vector<std::string> groups;
  for (const Prediction& row : set.rows) {
    marks.push_back(row.correct ? 1 : 0);
    groups.push_back(row.group);
  }
  Metric metric{set.score()};
  metric.clustered_error = if_number(clustered_standard_error(marks, groups));
  if (free) metric.skill = if_number(skill(metric.score.rate(), *free));
  return metric;
}

void add_repeated(const std::vector<Prediction>& predictions, PartResult& result) {
  std::vector<Prediction> sampled;
  std::ranges::copy_if(predictions, std::back_inserter(sampled),
                       [](const Prediction& p) { return !p.samples.empty(); });
  if (sampled.empty()) return;
  result.repeated = repeated_scores(sampled, std::ssize(sampled.front().samples));
}

// The answer in each order of the options, the original one first; none unless all were answered.
std::vector<std::string> rotated_answers(bool generated, const Prediction& p) {
  std::vector<std::string> answers = {generated ? p.predicted : p.selected};
  if (generated ? !p.output : p.selected.empty()) return {};
  for (const Rotation& rotation : p.rotations) {
    if (generated ? !rotation.output : rotation.selected.empty()) return {};
    answers.push_back(generated ? rotation.predicted : rotation.selected);
  }
  return p.rotations.empty() ? std::vector<std::string>{} : answers;
}

void add_rotation(bool generated, const std::vector<Prediction>& predictions, PartResult& result) {
  RotationResult rotation{generated ? kGenerated : kSelection};
  for (const Prediction& p : predictions) {
    const std::vector<std::string> answers = rotated_answers(generated, p);
    if (answers.empty()) continue;
    const auto right = std::ranges::count(answers, p.gold);
    ++rotation.n;
    rotation.answers += std::ssize(answers);
    rotation.correct += right;
    rotation.right_in_all += right == std::ssize(answers);
    rotation.same_in_all += std::ranges::count(answers, answers.front()) == std::ssize(answers);
  }
  if (rotation.n > 0) result.rotations.push_back(rotation);
}

}  // namespace

double ClassResult::macro_f1() const {
  double sum = 0;
  int64_t occurring = 0;
  for (size_t c = 0; c < classes.size(); ++c) {
    const auto& row = counts[c];
    const int64_t gold = std::accumulate(row.begin(), row.end(), int64_t{0});
    int64_t given = 0;
    for (const auto& other : counts) given += other[c];
    if (gold + given == 0) continue;
    ++occurring;
    sum += 2.0 * static_cast<double>(row[c]) / static_cast<double>(gold + given);
  }
  return occurring == 0 ? 0 : sum / static_cast<double>(occurring);
}

const Metric* find_metric(const PartResult& part, const std::string& metric) {
  const auto found = std::ranges::find(
      part.metrics, metric, [](const Metric& m) -> const std::string& { return m.score.name; });
  return found == part.metrics.end() ? nullptr : &*found;
}

PartResult score_part(const std::string& part, std::vector<Prediction> predictions,
                      std::optional<double> free, const std::vector<Prediction>* on_validation) {
  std::ranges::sort(predictions, {}, &Prediction::id);
  PartResult result{.part = part, .n = std::ssize(predictions)};
  std::set<std::string> groups;
  for (const Prediction& p : predictions) groups.insert(p.group.empty() ? p.id : p.group);
  result.groups = std::ssize(groups);
  const std::vector<AnswerSet> sets = answer_sets(predictions);
  for (const AnswerSet& set : sets) result.metrics.push_back(metric_of(set, free));
  add_repeated(predictions, result);
  add_rotation(true, predictions, result);
  add_rotation(false, predictions, result);
  result.histograms = answer_histograms(sets);
  result.classes = class_results(sets);
  result.calibration = calibrate(part, predictions, on_validation);
  result.mistakes = worst_mistakes(predictions);
  return result;
}

}  // namespace telora
