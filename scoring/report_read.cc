// Reading report.json, which scoring/report_json.cc writes. What follows from counts is not read.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/document.h"
#include "core/files.h"
#include "scoring/report.h"
#include "scoring/report_schema.h"

namespace telora {

namespace {

constexpr Range<int64_t> kCount = {.min = 0};
constexpr Range<double> kShare = {.min = 0, .max = 1};

Range<int64_t> up_to(int64_t most) { return {.min = 0, .max = most}; }

void ignore(Fields& fields, std::initializer_list<const char*> keys) {
  for (const char* key : keys) fields.ignore(key);
}

std::optional<double> number_or_null(Fields& fields, const char* key, Range<double> range = {}) {
  if (!fields.is_null(key)) return fields.number(key, range);
  fields.ignore(key);
  return std::nullopt;
}

std::optional<int64_t> count_or_null(Fields& fields, const char* key, int64_t most) {
  if (!fields.is_null(key)) return fields.integer(key, up_to(most));
  fields.ignore(key);
  return std::nullopt;
}

Interval read_interval(Fields& fields, const char* key) {
  const std::vector<double> bounds = fields.numbers(key);
  if (bounds.size() != 2) fields.fail(key, std::to_string(bounds.size()) + " numbers", "two");
  return {bounds[0], bounds[1]};
}

// Reads every object of an array.
template <typename Read>
auto read_all(Fields& fields, const char* key, Read read) {
  std::vector<decltype(read(std::declval<Fields>()))> all;
  for (Fields& one : fields.objects(key)) {
    all.push_back(read(one));
  }
  return all;
}

Score read_score(Fields& fields, std::string name) {
  Score score{std::move(name)};
  score.n = fields.integer("n", kCount);
  score.correct = fields.integer("correct", up_to(score.n));
  score.unparsed = count_or_null(fields, "unparsed", score.n);
  ignore(fields, {"rate", "wilson_95"});
  return score;
}

Metric read_metric(Fields fields) {
  Metric metric{read_score(fields, fields.string("name"))};
  metric.clustered_error = number_or_null(fields, "clustered_error", {.min = 0});
  metric.skill = number_or_null(fields, "skill", {.max = 1});
  ignore(fields, {"standard_error"});
  fields.finish();
  return metric;
}

RepeatedScores read_repeated(Fields fields) {
  RepeatedScores r;
  r.k = fields.integer("samples", {.min = 1});
  r.n = fields.integer("n", kCount);
  r.greedy = fields.number("greedy", kShare);
  r.pass_direct = fields.number("pass", kShare);
  r.pass_unbiased = fields.number("pass_unbiased", kShare);
  r.majority = fields.number("majority", kShare);
  r.chance_pass = fields.number("chance_pass", kShare);
  r.gap = fields.number("gap");
  r.chance_gap = fields.number("chance_gap");
  r.consistency = fields.number("consistency", kShare);
  r.flip_rate = fields.number("flip_rate", kShare);
  r.selection_efficiency = number_or_null(fields, "selection_efficiency").value_or(std::nan(""));
  fields.finish();
  return r;
}

RotationResult read_rotation(Fields fields) {
  RotationResult r{fields.string("name")};
  r.n = fields.integer("n", kCount);
  r.answers = fields.integer("answers", {.min = r.n});
  r.correct = fields.integer("correct", up_to(r.answers));
  r.right_in_all = fields.integer("right_in_all", up_to(r.n));
  r.same_in_all = fields.integer("same_in_all", up_to(r.n));
  ignore(fields, {"rate"});
  fields.finish();
  return r;
}

AnswerCount read_answer_count(Fields fields) {
  AnswerCount count{fields.string("answer"), fields.integer("gold", kCount),
                    fields.integer("predicted", kCount)};
  fields.finish();
  return count;
}

AnswerHistogram read_histogram(Fields fields) {
  AnswerHistogram h{fields.string("name")};
  h.answers = read_all(fields, "answers", read_answer_count);
  h.unparsed = fields.integer("unparsed", kCount);
  h.total_variation = fields.number("total_variation", {.min = 0, .max = 1.000001});
  h.largest = fields.string("largest");
  h.largest_share = fields.number("largest_share", {.min = 0, .max = 1.000001});
  h.collapsed = fields.boolean("collapsed");
  fields.finish();
  return h;
}

std::vector<std::vector<int64_t>> read_counts(Fields& fields, size_t classes) {
  const nlohmann::ordered_json& raw = fields.raw("counts");
  std::vector<std::vector<int64_t>> counts;
  const auto refuse = [&] {
    fields.fail("counts", "another shape",
                fmt::format("{} rows of {} counts of 0 or more", classes, classes + 1));
  };
  if (!raw.is_array() || raw.size() != classes) refuse();
  for (const auto& row : raw) {
    if (!row.is_array() || row.size() != classes + 1) refuse();
    for (const auto& count : row) {
      if (!count.is_number_unsigned() || count.get<uint64_t>() > INT32_MAX) refuse();
    }
    counts.push_back(row.get<std::vector<int64_t>>());
  }
  return counts;
}

ClassResult read_classes(Fields fields) {
  ClassResult c{fields.string("name"), fields.strings("classes"), {}};
  c.counts = read_counts(fields, c.classes.size());
  ignore(fields, {"macro_f1"});
  fields.finish();
  return c;
}

ReliabilityBin read_bin(Fields fields) {
  ReliabilityBin bin{fields.number("low", kShare), fields.number("high", kShare)};
  bin.n = fields.integer("n", kCount);
  bin.correct = fields.integer("correct", up_to(bin.n));
  bin.confidence = fields.number("confidence", kShare);
  fields.finish();
  return bin;
}

Coverage read_coverage(Fields fields) {
  Coverage point{fields.number("threshold", kShare), fields.integer("answered", kCount)};
  point.wrong = fields.integer("wrong", up_to(point.answered));
  if (fields.has("risk")) ignore(fields, {"risk", "wilson_95"});
  fields.finish();
  return point;
}

RiskTarget read_target(Fields fields) {
  RiskTarget target{fields.number("target", kShare), std::nullopt};
  if (fields.is_null("kept")) {
    fields.ignore("kept");
  } else {
    target.kept = read_coverage(fields.object("kept"));
  }
  fields.finish();
  return target;
}

CalibrationResult read_calibration(Fields fields) {
  CalibrationResult c{.n = fields.integer("n", kCount)};
  c.area_under_risk = fields.number("area_under_risk", kShare);
  c.chosen_on = fields.string("chosen_on");
  c.bins = read_all(fields, "bins", read_bin);
  c.curve = read_all(fields, "curve", read_coverage);
  c.targets = read_all(fields, "targets", read_target);
  ignore(fields, {"expected_error"});
  fields.finish();
  return c;
}

Mistake read_mistake(Fields fields) {
  Mistake m{fields.string("id"), fields.string("gold"), fields.string("answer"),
            number_or_null(fields, "confidence", kShare), fields.string("output")};
  fields.finish();
  return m;
}

PartResult read_part(Fields fields) {
  PartResult part;
  part.part = fields.string("part", {"test", "validation", "train"});
  part.n = fields.integer("n", kCount);
  part.groups = fields.integer("groups", up_to(part.n));
  part.metrics = read_all(fields, "scores", read_metric);
  if (fields.has("repeated")) part.repeated = read_repeated(fields.object("repeated"));
  part.rotations = read_all(fields, "rotations", read_rotation);
  part.histograms = read_all(fields, "answers", read_histogram);
  part.classes = read_all(fields, "classes", read_classes);
  if (fields.has("calibration")) part.calibration = read_calibration(fields.object("calibration"));
  part.mistakes = read_all(fields, "mistakes", read_mistake);
  fields.finish();
  return part;
}

Score read_bare_score(Fields fields, const std::string& name) {
  Score score = read_score(fields, name);
  fields.finish();
  return score;
}

SeenGap read_gap(Fields fields) {
  SeenGap gap{.metric = fields.string("name"), .seen = {}, .unseen = {}};
  gap.seen = read_bare_score(fields.object("seen"), gap.metric);
  gap.unseen = read_bare_score(fields.object("unseen"), gap.metric);
  ignore(fields, {"difference", "newcombe_95"});
  fields.finish();
  return gap;
}

Cost read_cost(Fields fields) {
  constexpr Range<double> kAmount = {.min = 0};
  Cost c;
  c.queries = fields.integer("queries", kCount);
  c.latency_p50_seconds = fields.number("latency_p50_seconds", kAmount);
  c.latency_p95_seconds = fields.number("latency_p95_seconds", kAmount);
  c.first_token_seconds = number_or_null(fields, "first_token_seconds", kAmount);
  c.tokens_per_second = number_or_null(fields, "tokens_per_second", kAmount);
  c.peak_memory_bytes = fields.integer("peak_memory_bytes", kCount);
  c.weights_bytes = fields.integer("weights_bytes", kCount);
  c.adapter_bytes = fields.integer("adapter_bytes", kCount);
  c.cache_bytes = count_or_null(fields, "cache_bytes", INT64_MAX);
  c.swap_seconds = number_or_null(fields, "swap_seconds", kAmount);
  c.joules_per_query = number_or_null(fields, "joules_per_query", kAmount);
  fields.finish();
  return c;
}

Subject read_subject(Fields fields) {
  Subject subject{.name = fields.string("name")};
  subject.parts = read_all(fields, "parts", read_part);
  subject.gaps = read_all(fields, "seen_minus_unseen", read_gap);
  if (fields.has("cost")) {
    subject.cost = read_cost(fields.object("cost"));
    ignore(fields, {"edge_score"});
  }
  fields.finish();
  return subject;
}

Baseline read_baseline(Fields fields) {
  Baseline baseline{.name = fields.string("name")};
  baseline.n = fields.integer("n", kCount);
  baseline.expected =
      fields.number("expected_correct", {.min = 0, .max = static_cast<double>(baseline.n)});
  ignore(fields, {"rate"});
  fields.finish();
  return baseline;
}

PartBaselines read_part_baselines(Fields fields) {
  PartBaselines part{fields.string("part"), read_all(fields, "rules", read_baseline)};
  fields.finish();
  return part;
}

BaselineTest read_baseline_test(Fields fields) {
  BaselineTest t{fields.string("subject"), fields.string("part"), fields.string("name"),
                 fields.string("baseline")};
  t.n = fields.integer("n", kCount);
  t.correct = fields.integer("correct", up_to(t.n));
  t.rate = fields.number("baseline_rate", kShare);
  t.p = fields.number("binomial_p", kShare);
  if (fields.is_null("bootstrap_95")) {
    fields.ignore("bootstrap_95");
  } else {
    t.bootstrap = read_interval(fields, "bootstrap_95");
  }
  ignore(fields, {"difference", "finding"});
  fields.finish();
  return t;
}

Comparison read_comparison(Fields fields) {
  Comparison c{fields.string("name"), fields.string("part"), fields.string("first"),
               fields.string("second")};
  PairedCounts& counts = c.counts;
  counts.n = fields.integer("n", kCount);
  counts.both = fields.integer("both", up_to(counts.n));
  counts.only_first = fields.integer("only_first", up_to(counts.n - counts.both));
  counts.only_second =
      fields.integer("only_second", up_to(counts.n - counts.both - counts.only_first));
  c.adjusted_p = fields.number("adjusted_p", kShare);
  c.bootstrap = read_interval(fields, "bootstrap_95");
  c.groups = fields.integer("groups", up_to(counts.n));
  ignore(fields, {"difference", "paired_95", "mcnemar_exact_p", "mcnemar_mid_p", "items_to_tell",
                  "finding"});
  fields.finish();
  return c;
}

std::optional<Finding> read_finding(Fields& fields, const char* key) {
  if (fields.is_null(key)) {
    fields.ignore(key);
    return std::nullopt;
  }
  const auto text = [](Finding finding) { return finding_text(finding); };
  const std::string found = fields.string(
      key, {text(Finding::kBetter), text(Finding::kWorse), text(Finding::kUndecided)});
  if (found == text(Finding::kBetter)) return Finding::kBetter;
  return found == text(Finding::kWorse) ? Finding::kWorse : Finding::kUndecided;
}

SubjectVerdict read_verdict(Fields fields) {
  SubjectVerdict v{
      fields.string("subject"), fields.string("part"), fields.string("name"), {}, {}, {}};
  v.against_base = read_finding(fields, "against_base");
  v.against_free = read_finding(fields, "against_free");
  v.improvement = fields.boolean("improvement");
  v.text = fields.string("text");
  v.warnings = fields.strings("warnings");
  fields.finish();
  return v;
}

PartCounts read_rows(Fields fields) {
  PartCounts rows;
  rows.training = fields.integer("training", kCount);
  rows.validation = fields.integer("validation", kCount);
  rows.test = fields.integer("test", kCount);
  fields.finish();
  return rows;
}

MajoritySettings read_majority(Fields fields) {
  MajoritySettings majority;
  majority.samples = fields.integer("samples", {.min = 1, .max = kMostSamples});
  majority.sampling.temperature = fields.number("temperature", {.min = 0});
  majority.sampling.top_p =
      fields.number("top_p", {.min = 0, .max = 1, .min_excluded = true, .max_excluded = false});
  majority.seed = static_cast<uint64_t>(fields.integer("seed", kCount));
  fields.finish();
  return majority;
}

std::map<std::string, std::string> read_texts(Fields fields) {
  std::map<std::string, std::string> texts;
  for (const std::string& key : fields.keys()) texts[key] = fields.string(key);
  return texts;
}

void read_measured(Fields fields, Report& report) {
  report.parser = fields.string("parser");
  report.parser_version = fields.string("parser_version");
  report.split_method = fields.string("split_method");
  report.split_seed = fields.integer("split_seed", kCount);
  report.rows = read_rows(fields.object("rows"));
  report.digests = read_texts(fields.object("digests"));
  report.settings = read_texts(fields.object("settings"));
  if (fields.has("majority")) report.majority = read_majority(fields.object("majority"));
  fields.finish();
}

void check_version(Fields& fields) {
  const int64_t version = fields.integer("report_version", {.min = 1});
  if (version > kReportVersion) {
    fields.fail("report_version", fmt::format("{}, written by a newer telora", version),
                fmt::format("{}", kReportVersion), "read it with the telora that wrote it");
  }
  if (version < kReportVersion) {
    fields.fail("report_version", fmt::format("{}, written by an older telora", version),
                fmt::format("{}", kReportVersion),
                "make it anew from the predictions beside it: lora-eval report FOLDER");
  }
}

}  // namespace

Report read_report(const std::filesystem::path& path) {
  Fields fields(Document::parse_json(read_text(path), path.string()));
  check_version(fields);
  Report report;
  report.category = fields.string("category");
  report.backbone = fields.string("backbone");
  read_measured(fields.object("measured"), report);
  report.verdicts = read_all(fields, "verdicts", read_verdict);
  report.subjects = read_all(fields, "subjects", read_subject);
  report.baselines = read_all(fields, "baselines", read_part_baselines);
  report.baseline_tests = read_all(fields, "against_baselines", read_baseline_test);
  report.comparisons = read_all(fields, "comparisons", read_comparison);
  fields.finish();
  return report;
}

}  // namespace telora
