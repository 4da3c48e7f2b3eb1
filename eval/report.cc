#include "eval/report.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
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

Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json to_value(const Sample& sample) {
  return {{"output", sample.output}, {"predicted", text_or_null(sample.predicted)}};
}

template <typename T>
Json to_array(const std::vector<T>& items) {
  Json array = Json::array();
  for (const T& item : items) array.push_back(to_value(item));
  return array;
}

Json to_value(const Prediction& p) {
  Json logprobs = Json::array();
  for (const double value : p.option_logprobs) {
    logprobs.push_back(std::isfinite(value) ? Json(value) : Json());
  }
  Json value = {{"id", p.id},
                {"split", p.split},
                {"gold", p.gold},
                {"predicted", text_or_null(p.predicted)},
                {"correct", p.correct},
                {"parsed", p.parsed},
                {"option_logprobs", logprobs},
                {"output", p.output ? Json(*p.output) : Json()}};
  if (!p.samples.empty()) {
    value["samples"] = to_array(p.samples);
    value["voted"] = text_or_null(p.voted);
    value["voted_correct"] = p.voted_correct;
  }
  return value;
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

std::vector<double> read_logprobs(Fields& fields) {
  constexpr double kNone = -std::numeric_limits<double>::infinity();
  std::vector<double> values;
  const Json& raw = fields.raw("option_logprobs");
  if (!raw.is_array()) fields.fail("option_logprobs", raw.type_name(), "an array of numbers");
  for (const Json& value : raw) {
    if (!value.is_number() && !value.is_null()) {
      fields.fail("option_logprobs", value.type_name(), "numbers or null");
    }
    values.push_back(value.is_null() ? kNone : value.get<double>());
  }
  return values;
}

std::optional<std::string> read_text_or_null(Fields& fields, const char* key) {
  const bool none = fields.is_null(key);
  if (none) fields.ignore(key);
  return none ? std::nullopt : std::optional(fields.string(key));
}

Sample read_sample(Fields fields) {
  Sample sample;
  sample.output = fields.string("output");
  sample.predicted = read_text_or_null(fields, "predicted").value_or("");
  fields.finish();
  return sample;
}

void read_vote(Fields& fields, Prediction& p) {
  for (Fields& sample : fields.objects("samples")) p.samples.push_back(read_sample(sample));
  p.voted = read_text_or_null(fields, "voted").value_or("");
  p.voted_correct = fields.boolean("voted_correct");
}

Prediction read_prediction(Fields fields) {
  Prediction p;
  p.id = fields.string("id");
  p.split = fields.string("split");
  p.gold = fields.string("gold");
  p.predicted = read_text_or_null(fields, "predicted").value_or("");
  p.correct = fields.boolean("correct");
  p.parsed = fields.boolean("parsed");
  p.option_logprobs = read_logprobs(fields);
  p.output = read_text_or_null(fields, "output");
  if (fields.has("samples")) read_vote(fields, p);
  fields.finish();
  return p;
}

}  // namespace

Score tally(std::string name, const std::vector<Prediction>& predictions, bool count_unparsed) {
  Score score{std::move(name), 0, static_cast<int64_t>(predictions.size())};
  int64_t unparsed = 0;
  for (const Prediction& prediction : predictions) {
    score.correct += prediction.correct;
    unparsed += !prediction.parsed;
  }
  if (count_unparsed) score.unparsed = unparsed;
  return score;
}

Score tally_votes(std::string name, const std::vector<Prediction>& predictions) {
  Score score{std::move(name), 0, static_cast<int64_t>(predictions.size()), 0};
  for (const Prediction& prediction : predictions) {
    score.correct += prediction.voted_correct;
    *score.unparsed += prediction.voted.empty();
  }
  return score;
}

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

void write_predictions(const std::filesystem::path& path,
                       const std::vector<Prediction>& predictions) {
  publish_with(path, [&](OutputFile& out) {
    for (const Prediction& p : predictions) {
      // A generated answer may end within a character: such bytes become U+FFFD.
      out.append(to_value(p).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
    }
  });
}

std::vector<Prediction> read_predictions(const std::filesystem::path& path) {
  std::vector<Prediction> predictions;
  for_each_line(path, [&](std::string_view text, int number) {
    predictions.push_back(
        read_prediction(Fields(Document::parse_json(text, path.string(), number))));
  });
  return predictions;
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
