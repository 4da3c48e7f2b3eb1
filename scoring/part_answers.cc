#include "scoring/part_answers.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "scoring/guards.h"

namespace telora {

namespace {

constexpr size_t kMostClasses = 64;  // more names than that are open answers
constexpr size_t kMostMistakes = 20;
constexpr size_t kMostOutput = 400;  // bytes of a mistake's text
constexpr size_t kCurvePoints = 100;
constexpr double kRiskTargets[] = {0.01, 0.05, 0.1, 0.2};

bool open_answers(const AnswerSet& set) {
  std::set<std::string> golds;
  for (const Prediction& p : set.rows) {
    if (p.options == 0) return true;
    golds.insert(p.gold);
  }
  return golds.size() > kMostClasses;
}

bool letters_only(const AnswerSet& set) {
  return std::ranges::all_of(set.rows, [](const Prediction& p) {
    return p.gold.size() == 1 && p.gold[0] >= 'A' && p.gold[0] <= 'Z';
  });
}

// Every name that is right somewhere or was given; of letter questions, every letter offered.
std::vector<std::string> answer_names(const AnswerSet& set) {
  const bool letters = letters_only(set);
  std::set<std::string> names;
  for (const Prediction& p : set.rows) {
    names.insert(p.gold);
    if (!p.predicted.empty()) names.insert(p.predicted);
    for (int64_t i = 0; letters && i < std::min<int64_t>(p.options, 26); ++i) {
      names.insert(std::string(1, static_cast<char>('A' + i)));
    }
  }
  return {names.begin(), names.end()};
}

AnswerHistogram histogram_of(const AnswerSet& set) {
  AnswerHistogram histogram{set.metric};
  std::map<std::string, AnswerCount> counts;
  for (const std::string& name : answer_names(set)) counts[name].answer = name;
  for (const Prediction& p : set.rows) {
    ++counts[p.gold].gold;
    if (p.predicted.empty()) {
      ++histogram.unparsed;
    } else {
      ++counts[p.predicted].predicted;
    }
  }
  for (const auto& [name, count] : counts) histogram.answers.push_back(count);
  const Collapse collapse = find_collapse(set.rows);
  histogram.total_variation = collapse.variation;
  histogram.largest = collapse.answer;
  histogram.largest_share = collapse.share;
  histogram.collapsed = collapse.raised;
  return histogram;
}

ClassResult class_result(const AnswerSet& set) {
  ClassResult result{set.metric, answer_names(set), {}};
  const size_t n = result.classes.size();
  result.counts.assign(n, std::vector<int64_t>(n + 1));
  const auto index = [&](const std::string& name) {
    return static_cast<size_t>(std::ranges::lower_bound(result.classes, name) -
                               result.classes.begin());
  };
  for (const Prediction& p : set.rows) {
    ++result.counts[index(p.gold)][p.predicted.empty() ? n : index(p.predicted)];
  }
  return result;
}

std::vector<ConfidentAnswer> confident_answers(const std::vector<Prediction>& predictions) {
  std::vector<ConfidentAnswer> answers;
  for (const Prediction& p : predictions) {
    const std::optional<double> confidence = confidence_of(p.option_logprobs);
    if (confidence && !p.selected.empty()) answers.push_back({*confidence, p.selected == p.gold});
  }
  return answers;
}

std::vector<RiskTarget> risk_targets(std::span<const ConfidentAnswer> answers,
                                     const std::vector<Coverage>& choosing) {
  std::vector<RiskTarget> targets;
  for (const double target : kRiskTargets) {
    RiskTarget one{target, meet_risk(choosing, target)};
    if (one.kept) one.kept = apply_threshold(answers, one.kept->threshold);
    targets.push_back(one);
  }
  return targets;
}

// At most `limit` bytes, cut between characters.
std::string cut(const std::string& text, size_t limit) {
  if (text.size() <= limit) return text;
  size_t end = limit;
  while (end > 0 && (text[end] & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

}  // namespace

std::vector<AnswerHistogram> answer_histograms(const std::vector<AnswerSet>& sets) {
  std::vector<AnswerHistogram> all;
  for (const AnswerSet& set : sets) {
    if (!open_answers(set)) all.push_back(histogram_of(set));
  }
  return all;
}

std::vector<ClassResult> class_results(const std::vector<AnswerSet>& sets) {
  std::vector<ClassResult> all;
  for (const AnswerSet& set : sets) {
    if (!open_answers(set) && !letters_only(set)) all.push_back(class_result(set));
  }
  return all;
}

std::optional<CalibrationResult> calibrate(const std::string& part,
                                           const std::vector<Prediction>& predictions,
                                           const std::vector<Prediction>* on_validation) {
  const std::vector<ConfidentAnswer> answers = confident_answers(predictions);
  if (answers.empty()) return std::nullopt;
  const std::vector<Coverage> curve = risk_coverage(answers);
  CalibrationResult result{.n = std::ssize(answers)};
  result.bins = reliability(answers);
  result.curve = thinned(curve, kCurvePoints);
  result.area_under_risk = area_under_risk(curve);
  const auto others =
      on_validation != nullptr ? confident_answers(*on_validation) : std::vector<ConfidentAnswer>{};
  result.chosen_on = others.empty() ? part : "validation";
  result.targets = risk_targets(answers, others.empty() ? curve : risk_coverage(others));
  return result;
}

std::vector<Mistake> worst_mistakes(const std::vector<Prediction>& predictions) {
  const bool scored =
      std::ranges::any_of(predictions, [](const Prediction& p) { return !p.selected.empty(); });
  std::vector<Mistake> wrong;
  for (const Prediction& p : predictions) {
    const std::string& answer = scored ? p.selected : p.predicted;
    const bool right = scored ? answer.empty() || answer == p.gold : p.correct;
    if (right) continue;
    wrong.push_back({p.id, p.gold, answer, scored ? confidence_of(p.option_logprobs) : std::nullopt,
                     cut(p.output.value_or(""), kMostOutput)});
  }
  std::ranges::stable_sort(wrong, std::greater{},
                           [](const Mistake& m) { return m.confidence.value_or(-1); });
  wrong.resize(std::min(wrong.size(), kMostMistakes));
  return wrong;
}

}  // namespace telora
