// report.json as it is written; scoring/report_read.cc reads it.
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/files.h"
#include "scoring/report.h"
#include "scoring/report_schema.h"

namespace telora {

namespace {

using Json = nlohmann::ordered_json;

template <typename T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

Json or_null(double value) { return std::isfinite(value) ? Json(value) : Json(); }

Json bounds(const Interval& interval) { return {or_null(interval.low), or_null(interval.high)}; }

Json to_value(const Score& score) {
  return {{"correct", score.correct},
          {"n", score.n},
          {"rate", score.rate()},
          {"wilson_95", bounds(score.interval())},
          {"unparsed", or_null(score.unparsed)}};
}

Json to_value(const Metric& metric) {
  Json value = {{"name", metric.score.name}};
  value.update(to_value(metric.score));
  value["standard_error"] = or_null(standard_error(metric.score.correct, metric.score.n));
  value["clustered_error"] = or_null(metric.clustered_error);
  value["skill"] = or_null(metric.skill);
  return value;
}

Json to_value(const RepeatedScores& r) {
  return {{"samples", r.k},
          {"n", r.n},
          {"greedy", r.greedy},
          {"pass", r.pass_direct},
          {"pass_unbiased", r.pass_unbiased},
          {"majority", r.majority},
          {"chance_pass", r.chance_pass},
          {"gap", r.gap},
          {"chance_gap", r.chance_gap},
          {"consistency", r.consistency},
          {"flip_rate", r.flip_rate},
          {"selection_efficiency", or_null(r.selection_efficiency)}};
}

Json to_value(const RotationResult& r) {
  return {{"name", r.metric},
          {"n", r.n},
          {"answers", r.answers},
          {"correct", r.correct},
          {"rate", r.rate()},
          {"right_in_all", r.right_in_all},
          {"same_in_all", r.same_in_all}};
}

Json to_value(const AnswerHistogram& h) {
  Json answers = Json::array();
  for (const AnswerCount& count : h.answers) {
    answers.push_back(
        {{"answer", count.answer}, {"gold", count.gold}, {"predicted", count.predicted}});
  }
  return {{"name", h.metric},        {"answers", answers},
          {"unparsed", h.unparsed},  {"total_variation", h.total_variation},
          {"largest", h.largest},    {"largest_share", h.largest_share},
          {"collapsed", h.collapsed}};
}

Json to_value(const ClassResult& c) {
  return {
      {"name", c.metric}, {"macro_f1", c.macro_f1()}, {"classes", c.classes}, {"counts", c.counts}};
}

Json to_value(const ReliabilityBin& bin) {
  return {{"low", bin.low},
          {"high", bin.high},
          {"n", bin.n},
          {"correct", bin.correct},
          {"confidence", bin.confidence}};
}

Json to_value(const Coverage& point) {
  return {{"threshold", point.threshold}, {"answered", point.answered}, {"wrong", point.wrong}};
}

template <typename T>
Json to_array(const std::vector<T>& items, Json (*value)(const T&)) {
  Json array = Json::array();
  for (const T& item : items) array.push_back(value(item));
  return array;
}

Json to_value(const RiskTarget& target) {
  Json value = {{"target", target.target}, {"kept", Json()}};
  if (target.kept) {
    value["kept"] = to_value(*target.kept);
    value["kept"]["risk"] = target.kept->risk();
    value["kept"]["wilson_95"] = bounds(wilson(target.kept->wrong, target.kept->answered));
  }
  return value;
}

Json to_value(const CalibrationResult& c) {
  return {{"n", c.n},
          {"expected_error", calibration_error(c.bins)},
          {"area_under_risk", c.area_under_risk},
          {"chosen_on", c.chosen_on},
          {"bins", to_array(c.bins, to_value)},
          {"curve", to_array(c.curve, to_value)},
          {"targets", to_array(c.targets, to_value)}};
}

Json to_value(const Mistake& m) {
  return {{"id", m.id},
          {"gold", m.gold},
          {"answer", m.answer},
          {"confidence", or_null(m.confidence)},
          {"output", m.output}};
}

Json to_value(const PartResult& part) {
  Json value = {{"part", part.part}, {"n", part.n}, {"groups", part.groups}};
  value["scores"] = to_array(part.metrics, to_value);
  if (part.repeated) value["repeated"] = to_value(*part.repeated);
  value["rotations"] = to_array(part.rotations, to_value);
  value["answers"] = to_array(part.histograms, to_value);
  value["classes"] = to_array(part.classes, to_value);
  if (part.calibration) value["calibration"] = to_value(*part.calibration);
  value["mistakes"] = to_array(part.mistakes, to_value);
  return value;
}

Json to_value(const SeenGap& gap) {
  return {{"name", gap.metric},
          {"seen", to_value(gap.seen)},
          {"unseen", to_value(gap.unseen)},
          {"difference", gap.difference()},
          {"newcombe_95", bounds(gap.interval())}};
}

Json to_value(const Cost& c) {
  return {{"queries", c.queries},
          {"latency_p50_seconds", c.latency_p50_seconds},
          {"latency_p95_seconds", c.latency_p95_seconds},
          {"first_token_seconds", or_null(c.first_token_seconds)},
          {"tokens_per_second", or_null(c.tokens_per_second)},
          {"peak_memory_bytes", c.peak_memory_bytes},
          {"weights_bytes", c.weights_bytes},
          {"adapter_bytes", c.adapter_bytes},
          {"cache_bytes", or_null(c.cache_bytes)},
          {"swap_seconds", or_null(c.swap_seconds)},
          {"joules_per_query", or_null(c.joules_per_query)}};
}

Json to_value(const EdgeScore& edge) { return {{"raw", edge.raw}, {"corrected", edge.corrected}}; }

Json to_value(const Report& report, const Subject& subject) {
  Json value = {{"name", subject.name},
                {"parts", to_array(subject.parts, to_value)},
                {"seen_minus_unseen", to_array(subject.gaps, to_value)}};
  if (subject.cost) {
    value["cost"] = to_value(*subject.cost);
    const auto edge = edge_score_of(report, subject);
    value["edge_score"] = edge ? to_value(*edge) : Json();
  }
  return value;
}

Json to_value(const Baseline& baseline) {
  return {{"name", baseline.name},
          {"expected_correct", baseline.expected},
          {"n", baseline.n},
          {"rate", baseline.rate()}};
}

Json to_value(const PartBaselines& part) {
  return {{"part", part.part}, {"rules", to_array(part.baselines, to_value)}};
}

Json to_value(const BaselineTest& t) {
  return {{"subject", t.subject},
          {"part", t.part},
          {"name", t.metric},
          {"baseline", t.baseline},
          {"correct", t.correct},
          {"n", t.n},
          {"baseline_rate", t.rate},
          {"difference", t.difference()},
          {"binomial_p", t.p},
          {"bootstrap_95", t.bootstrap ? bounds(*t.bootstrap) : Json()},
          {"finding", finding_text(t.finding())}};
}

Json to_value(const SubjectVerdict& v) {
  const auto words = [](const std::optional<Finding>& finding) {
    return finding ? Json(finding_text(*finding)) : Json();
  };
  return {{"subject", v.subject},
          {"part", v.part},
          {"name", v.metric},
          {"against_base", words(v.against_base)},
          {"against_free", words(v.against_free)},
          {"improvement", v.improvement},
          {"text", v.text},
          {"warnings", v.warnings}};
}

Json to_value(const MajoritySettings& majority) {
  return {{"samples", majority.samples},
          {"temperature", majority.sampling.temperature},
          {"top_p", majority.sampling.top_p},
          {"seed", majority.seed}};
}

Json measured_json(const Report& report) {
  Json value = {{"parser", report.parser},
                {"parser_version", report.parser_version},
                {"split_method", report.split_method},
                {"split_seed", report.split_seed},
                {"rows",
                 {{"training", report.rows.training},
                  {"validation", report.rows.validation},
                  {"test", report.rows.test}}},
                {"digests", report.digests},
                {"settings", report.settings}};
  if (report.majority.samples > 0) value["majority"] = to_value(report.majority);
  return value;
}

}  // namespace

nlohmann::ordered_json comparison_json(const Comparison& c) {
  const McNemar test = mcnemar(c.counts);
  return {{"name", c.metric},
          {"part", c.part},
          {"first", c.first},
          {"second", c.second},
          {"n", c.counts.n},
          {"both", c.counts.both},
          {"only_first", c.counts.only_first},
          {"only_second", c.counts.only_second},
          {"difference", c.difference()},
          {"paired_95", bounds(paired_interval(c.counts))},
          {"mcnemar_exact_p", test.exact},
          {"mcnemar_mid_p", test.mid},
          {"adjusted_p", c.adjusted_p},
          {"bootstrap_95", bounds(c.bootstrap)},
          {"groups", c.groups},
          {"items_to_tell", items_to_tell(c.counts)},
          {"finding", finding_text(c.finding())}};
}

void write_report(const std::filesystem::path& path, const Report& report) {
  Json value = {{"report_version", kReportVersion},
                {"category", report.category},
                {"backbone", report.backbone},
                {"measured", measured_json(report)},
                {"verdicts", to_array(report.verdicts, to_value)}};
  Json subjects = Json::array();
  for (const Subject& subject : report.subjects) subjects.push_back(to_value(report, subject));
  value["subjects"] = subjects;
  value["baselines"] = to_array(report.baselines, to_value);
  value["against_baselines"] = to_array(report.baseline_tests, to_value);
  Json comparisons = Json::array();
  for (const Comparison& c : report.comparisons) comparisons.push_back(comparison_json(c));
  value["comparisons"] = comparisons;
  publish(path, value.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace telora
