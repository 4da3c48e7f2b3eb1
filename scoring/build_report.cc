#include "scoring/build_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/error.h"
#include "scoring/answering.h"
#include "scoring/resampling.h"
#include "scoring/verdict.h"

namespace telora {

namespace {

const std::vector<std::string>& part_order() {
  static const std::vector<std::string> kParts = {"test", "validation", "train"};
  return kParts;
}

void require(bool good, const SubjectInputs& subject, const char* field, const std::string& found,
             const std::string& wanted) {
  if (good) return;
  fail(ErrorKind::kData, {.file = subject.name, .field = field}, printable(found, 80),
       printable(wanted, 80), "score all subjects on one split with one parser");
}

void check_row(const ReportInputs& inputs, const SubjectInputs& subject, const std::string& part,
               const Prediction& p) {
  require(p.split == part, subject, "split", p.split, part);
  require(p.split_method == inputs.split_method, subject, "split_method", p.split_method,
          inputs.split_method);
  require(p.split_seed == inputs.split_seed, subject, "split_seed", std::to_string(p.split_seed),
          std::to_string(inputs.split_seed));
  require(p.parser == inputs.parser, subject, "parser", p.parser, inputs.parser);
}

void check_names(const ReportInputs& inputs) {
  std::set<std::string> names;
  for (const SubjectInputs& subject : inputs.subjects) {
    std::set<std::string> parts;
    bool once = names.insert(subject.name).second;
    for (const PartPredictions& part : subject.parts) once &= parts.insert(part.part).second;
    if (once) continue;
    fail(ErrorKind::kUsage, {.file = subject.name, .field = {}}, "the same name or part twice",
         "each once");
  }
}

const PartPredictions* find_input(const SubjectInputs& subject, const std::string& part) {
  const auto found = std::ranges::find(subject.parts, part, &PartPredictions::part);
  return found == subject.parts.end() ? nullptr : &*found;
}

void add_gaps(Subject& subject) {
  const auto part = [&](const char* name) {
    return std::ranges::find(subject.parts, name, &PartResult::part);
  };
  if (part("train") == subject.parts.end() || part("test") == subject.parts.end()) return;
  for (const Metric& seen : part("train")->metrics) {
    const Metric* unseen = find_metric(*part("test"), seen.score.name);
    if (unseen) subject.gaps.push_back({seen.score.name, seen.score, unseen->score});
  }
}

class Builder {
 public:
  explicit Builder(const ReportInputs& inputs) : inputs_(inputs) {}

  Report run() {
    check_names(inputs_);
    copy_facts();
    for (const SubjectInputs& subject : inputs_.subjects) add_subject(subject);
    add_comparisons();
    for (const Subject& subject : report_.subjects) add_baseline_tests(subject.name);
    report_.verdicts = verdicts_of(report_);
    return std::move(report_);
  }

 private:
  using Sets = std::vector<AnswerSet>;

  void copy_facts() {
    report_.category = inputs_.category;
    report_.backbone = inputs_.backbone;
    report_.digests = inputs_.digests;
    report_.settings = inputs_.settings;
    report_.parser = inputs_.parser;
    report_.parser_version = inputs_.parser_version;
    report_.split_method = inputs_.split_method;
    report_.split_seed = inputs_.split_seed;
    report_.rows = inputs_.rows;
    report_.majority = inputs_.majority;
    for (const BaselineInputs& part : inputs_.baselines) {
      report_.baselines.push_back({part.part, part.baselines});
    }
  }

  void add_subject(const SubjectInputs& inputs) {
    Subject subject{.name = inputs.name, .cost = inputs.cost};
    const PartPredictions* validation = find_input(inputs, "validation");
    for (const std::string& name : part_order()) {
      const PartPredictions* part = find_input(inputs, name);
      if (part == nullptr) continue;
      for (const Prediction& p : part->predictions) check_row(inputs_, inputs, name, p);
      const Baseline* best = best_baseline(report_, name);
      subject.parts.push_back(
          score_part(name, part->predictions, best ? std::optional(best->rate()) : std::nullopt,
                     name == "test" && validation ? &validation->predictions : nullptr));
      sets_[{inputs.name, name}] = answer_sets(part->predictions);
    }
    add_gaps(subject);
    report_.subjects.push_back(std::move(subject));
  }

  void add_comparisons() {
    for (const std::string& part : part_order()) {
      const auto base = sets_.find({kBaseName, part});
      if (base == sets_.end()) continue;
      for (const AnswerSet& set : base->second) compare_all(part, set);
    }
  }

  // Of one way of answering: the base with every other subject. They are read together, so their p
  // are adjusted together.
  void compare_all(const std::string& part, const AnswerSet& base) {
    std::vector<Comparison> made;
    for (const Subject& subject : report_.subjects) {
      const auto sets = sets_.find({subject.name, part});
      if (subject.name == kBaseName || sets == sets_.end()) continue;
      const AnswerSet* set = find_answers(sets->second, base.metric);
      if (set) made.push_back(compare(kBaseName, base, subject.name, *set));
    }
    std::vector<Comparison*> together;
    for (Comparison& comparison : made) together.push_back(&comparison);
    adjust_together(together);
    report_.comparisons.insert(report_.comparisons.end(), made.begin(), made.end());
  }

  void add_baseline_tests(const std::string& subject) {
    for (const BaselineInputs& part : inputs_.baselines) {
      const auto sets = sets_.find({subject, part.part});
      const Baseline* best = best_baseline(report_, part.part);
      if (sets == sets_.end() || best == nullptr) continue;
      for (const AnswerSet& set : sets->second) {
        report_.baseline_tests.push_back(test_baseline(subject, part, *best, set));
      }
    }
  }

  static BaselineTest test_baseline(const std::string& subject, const BaselineInputs& part,
                                    const Baseline& best, const AnswerSet& set) {
    const Score score = set.score();
    BaselineTest test{subject,       part.part, set.metric, best.name,
                      score.correct, score.n,   best.rate()};
    test.p = binomial_two_sided(score.correct, score.n, test.rate);
    if (!part.marks.empty()) test.bootstrap = paired_with_marks(part, set);
    return test;
  }

  static Interval paired_with_marks(const BaselineInputs& part, const AnswerSet& set) {
    std::map<std::string_view, double> expected;
    for (const BaselineMark& mark : part.marks) expected.emplace(mark.id, mark.expected);
    std::vector<double> differences;
    std::vector<std::string> groups;
    for (const Prediction& row : set.rows) {
      const auto mark = expected.find(row.id);
      if (mark == expected.end()) {
        fail(ErrorKind::kData, {.file = "baseline of the " + part.part + " part", .field = "marks"},
             "none for " + printable(row.id), "one a row");
      }
      differences.push_back((row.correct ? 1 : 0) - mark->second);
      groups.push_back(row.group);
    }
    return paired_bootstrap(differences, groups, {});
  }

  const ReportInputs& inputs_;
  Report report_;
  std::map<std::pair<std::string, std::string>, Sets> sets_;  // by subject and part
};

}  // namespace

Report build_report(const ReportInputs& inputs) { return Builder(inputs).run(); }

}  // namespace telora
