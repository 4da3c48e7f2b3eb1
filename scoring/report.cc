#include "scoring/report.h"

#include <algorithm>

namespace telora {

const Baseline* best_baseline(const Report& report, const std::string& part) {
  const auto found = std::ranges::find(report.baselines, part, &PartBaselines::part);
  if (found == report.baselines.end() || found->baselines.empty()) return nullptr;
  return &*std::ranges::max_element(found->baselines, {}, &Baseline::rate);
}

const PartResult* find_part(const Report& report, const std::string& subject,
                            const std::string& part) {
  const auto owner = std::ranges::find(report.subjects, subject, &Subject::name);
  if (owner == report.subjects.end()) return nullptr;
  const auto found = std::ranges::find(owner->parts, part, &PartResult::part);
  return found == owner->parts.end() ? nullptr : &*found;
}

const Score* find_score(const Report& report, const std::string& subject, const std::string& part,
                        const std::string& metric) {
  const PartResult* result = find_part(report, subject, part);
  const Metric* found = result == nullptr ? nullptr : find_metric(*result, metric);
  return found == nullptr ? nullptr : &found->score;
}

std::string main_part(const Report& report) {
  for (const char* part : {"test", "validation"}) {
    for (const Subject& subject : report.subjects) {
      if (find_part(report, subject.name, part) != nullptr) return part;
    }
  }
  return "train";
}

std::optional<EdgeScore> edge_score_of(const Report& report, const Subject& subject) {
  const std::string part = main_part(report);
  const PartResult* result = find_part(report, subject.name, part);
  if (!subject.cost || result == nullptr || result->metrics.empty()) return std::nullopt;
  const Baseline* free = best_baseline(report, part);
  return edge_score(result->metrics.front().score.rate(), free ? free->rate() : 0, *subject.cost);
}

int64_t part_rows(const Report& report, const std::string& part) {
  if (part == "train") return report.rows.training;
  return part == "validation" ? report.rows.validation : report.rows.test;
}

}  // namespace telora
