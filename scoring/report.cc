#include "scoring/report.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "core/document.h"
#include "core/files.h"

namespace telora {

namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kVersion = 1;
constexpr Range<int64_t> kCount = {.min = 0};

Json to_value(const Score& score) {
  const Interval interval = score.interval();
  Json value = {{"name", score.name},
                {"correct", score.correct},
                {"n", score.n},
                {"rate", score.rate()},
                {"wilson_95", {interval.low, interval.high}}};
  value["unparsed"] = score.unparsed ? Json(*score.unparsed) : Json();
  return value;
}

Json to_value(const Subject& subject) {
  Json scores = Json::array();
  for (const Score& score : subject.scores) scores.push_back(to_value(score));
  return {{"name", subject.name}, {"scores", scores}};
}

Json to_value(const Baseline& baseline) {
  return {{"name", baseline.name},
          {"expected_correct", baseline.expected},
          {"n", baseline.n},
          {"rate", baseline.rate()}};
}

Json to_value(const Comparison& comparison) {
  const McNemar test = mcnemar(comparison.counts);
  return {{"metric", comparison.metric},
          {"first", comparison.first},
          {"second", comparison.second},
          {"only_first", comparison.counts.only_first},
          {"only_second", comparison.counts.only_second},
          {"n", comparison.counts.n},
          {"mcnemar_exact_p", test.exact},
          {"mcnemar_mid_p", test.mid}};
}

Json to_value(const MajoritySettings& majority) {
  return {{"samples", majority.samples},
          {"temperature", majority.sampling.temperature},
          {"top_p", majority.sampling.top_p},
          {"seed", majority.seed}};
}

template <typename T>
Json to_array(const std::vector<T>& items) {
  Json array = Json::array();
  for (const T& item : items) array.push_back(to_value(item));
  return array;
}

Score read_score(Fields fields) {
  Score score;
  score.name = fields.string("name");
  score.n = fields.integer("n", kCount);
  score.correct = fields.integer("correct", {.min = 0, .max = score.n});
  if (fields.is_null("unparsed")) {
    fields.ignore("unparsed");
  } else {
    score.unparsed = fields.integer("unparsed", {.min = 0, .max = score.n});
  }
  fields.ignore("rate");
  fields.ignore("wilson_95");
  fields.finish();
  return score;
}

Subject read_subject(Fields fields) {
  Subject subject;
  subject.name = fields.string("name");
  for (Fields& score : fields.objects("scores")) subject.scores.push_back(read_score(score));
  fields.finish();
  return subject;
}

Baseline read_baseline(Fields fields) {
  Baseline baseline;
  baseline.name = fields.string("name");
  baseline.n = fields.integer("n", kCount);
  baseline.expected =
      fields.number("expected_correct", {.min = 0, .max = static_cast<double>(baseline.n)});
  fields.ignore("rate");
  fields.finish();
  return baseline;
}

Comparison read_comparison(Fields fields) {
  Comparison comparison;
  comparison.metric = fields.string("metric");
  comparison.first = fields.string("first");
  comparison.second = fields.string("second");
  PairedCounts& counts = comparison.counts;
  counts.n = fields.integer("n", kCount);
  counts.only_first = fields.integer("only_first", {.min = 0, .max = counts.n});
  counts.only_second =
      fields.integer("only_second", {.min = 0, .max = counts.n - counts.only_first});
  fields.ignore("mcnemar_exact_p");
  fields.ignore("mcnemar_mid_p");
  fields.finish();
  return comparison;
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
  majority.samples = fields.integer("samples", {.min = 1});
  majority.sampling.temperature = fields.number("temperature", {.min = 0});
  majority.sampling.top_p = fields.number("top_p", {.min = 0, .max = 1, .min_excluded = true});
  majority.seed = static_cast<uint64_t>(fields.integer("seed", kCount));
  fields.finish();
  return majority;
}

}  // namespace

Comparison compare(std::string metric, std::string first_name, const std::vector<Prediction>& first,
                   std::string second_name, const std::vector<Prediction>& second,
                   bool Prediction::*right) {
  std::unordered_map<std::string, bool> known;
  for (const Prediction& prediction : first) known[prediction.id] = prediction.*right;
  const auto differ = [&](const std::string& found) {
    fail(ErrorKind::kData, {.file = second_name, .field = "id"}, found,
         "the same questions as " + first_name, "score both on the same split and part");
  };
  if (known.size() != first.size() || first.size() != second.size()) {
    differ(fmt::format("{} rows against {}", second.size(), known.size()));
  }
  PairedCounts counts{.n = static_cast<int64_t>(first.size())};
  for (const Prediction& prediction : second) {
    const auto match = known.find(prediction.id);
    if (match == known.end()) differ(printable(prediction.id));
    counts.only_first += match->second && !(prediction.*right);
    counts.only_second += prediction.*right && !match->second;
    known.erase(match);  // an id that comes twice is missing the second time
  }
  return {std::move(metric), std::move(first_name), std::move(second_name), counts};
}

void write_report(const std::filesystem::path& path, const Report& report) {
  Json value = {{"report_version", kVersion},
                {"category", report.category},
                {"backbone", report.backbone},
                {"parser", report.parser},
                {"split_method", report.split_method},
                {"split_seed", report.split_seed},
                {"rows",
                 {{"training", report.rows.training},
                  {"validation", report.rows.validation},
                  {"test", report.rows.test}}},
                {"part", report.part},
                {"subjects", to_array(report.subjects)},
                {"baselines", to_array(report.baselines)},
                {"comparisons", to_array(report.comparisons)}};
  if (report.majority.samples > 0) value["majority"] = to_value(report.majority);
  publish(path, value.dump(2) + "\n");
}

Report read_report(const std::filesystem::path& path) {
  Fields fields(Document::parse_json(read_text(path), path.string()));
  fields.integer("report_version", {.min = kVersion, .max = kVersion});
  Report report;
  report.category = fields.string("category");
  report.backbone = fields.string("backbone");
  report.parser = fields.string("parser");
  report.split_method = fields.string("split_method");
  report.split_seed = fields.integer("split_seed", kCount);
  report.rows = read_rows(fields.object("rows"));
  report.part = fields.string("part");
  if (fields.has("majority")) report.majority = read_majority(fields.object("majority"));
  for (Fields& f : fields.objects("subjects")) report.subjects.push_back(read_subject(f));
  for (Fields& f : fields.objects("baselines")) report.baselines.push_back(read_baseline(f));
  for (Fields& f : fields.objects("comparisons")) report.comparisons.push_back(read_comparison(f));
  fields.finish();
  return report;
}

}  // namespace telora
