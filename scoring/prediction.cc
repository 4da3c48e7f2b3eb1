#include "scoring/prediction.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "core/document.h"
#include "core/files.h"

namespace telora {

namespace {

using Json = nlohmann::ordered_json;

Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json to_value(const Sample& sample) {
  return {{"output", sample.output},
          {"predicted", text_or_null(sample.predicted)},
          {"correct", sample.correct}};
}

Json to_value(const Reading& reading) {
  return {{"parser", reading.parser},
          {"predicted", text_or_null(reading.predicted)},
          {"correct", reading.correct}};
}

Json to_value(const Rotation& rotation) {
  return {{"shift", rotation.shift},
          {"selected", text_or_null(rotation.selected)},
          {"predicted", text_or_null(rotation.predicted)},
          {"output", rotation.output ? Json(*rotation.output) : Json()}};
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
                {"split_method", p.split_method},
                {"split_seed", p.split_seed},
                {"parser", p.parser},
                {"group", p.group},
                {"options", p.options},
                {"gold", p.gold},
                {"predicted", text_or_null(p.predicted)},
                {"correct", p.correct},
                {"parsed", p.parsed},
                {"option_logprobs", logprobs},
                {"selected", text_or_null(p.selected)},
                {"selected_by_length", text_or_null(p.selected_by_length)},
                {"output", p.output ? Json(*p.output) : Json()}};
  if (!p.readings.empty()) value["readings"] = to_array(p.readings);
  if (!p.rotations.empty()) value["rotations"] = to_array(p.rotations);
  if (!p.samples.empty()) {
    value["samples"] = to_array(p.samples);
    value["voted"] = text_or_null(p.voted);
    value["voted_correct"] = p.voted_correct;
  }
  return value;
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
  sample.correct = fields.boolean("correct");
  fields.finish();
  return sample;
}

Reading read_reading(Fields fields) {
  Reading reading;
  reading.parser = fields.string("parser");
  reading.predicted = read_text_or_null(fields, "predicted").value_or("");
  reading.correct = fields.boolean("correct");
  fields.finish();
  return reading;
}

Rotation read_rotation(Fields fields) {
  Rotation rotation;
  rotation.shift = fields.integer("shift", {.min = 1});
  rotation.selected = read_text_or_null(fields, "selected").value_or("");
  rotation.predicted = read_text_or_null(fields, "predicted").value_or("");
  rotation.output = read_text_or_null(fields, "output");
  fields.finish();
  return rotation;
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
  p.split_method = fields.string("split_method");
  p.split_seed = fields.integer("split_seed", {.min = 0});
  p.parser = fields.string("parser");
  p.group = fields.string("group");
  p.options = fields.integer("options", {.min = 0});
  p.gold = fields.string("gold");
  p.predicted = read_text_or_null(fields, "predicted").value_or("");
  p.correct = fields.boolean("correct");
  p.parsed = fields.boolean("parsed");
  p.option_logprobs = read_logprobs(fields);
  p.selected = read_text_or_null(fields, "selected").value_or("");
  p.selected_by_length = read_text_or_null(fields, "selected_by_length").value_or("");
  p.output = read_text_or_null(fields, "output");
  if (fields.has("readings")) {
    for (Fields& reading : fields.objects("readings")) p.readings.push_back(read_reading(reading));
  }
  if (fields.has("rotations")) {
    for (Fields& one : fields.objects("rotations")) p.rotations.push_back(read_rotation(one));
  }
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

double selection_accuracy(const std::vector<Prediction>& predictions) {
  if (predictions.empty()) return 0;
  const auto right =
      std::ranges::count_if(predictions, [](const Prediction& p) { return p.selected == p.gold; });
  return static_cast<double>(right) / static_cast<double>(predictions.size());
}

double balanced_accuracy(const std::vector<Prediction>& predictions) {
  std::map<std::string, std::pair<int64_t, int64_t>> by_gold;  // right, all
  for (const Prediction& prediction : predictions) {
    auto& [right, all] = by_gold[prediction.gold];
    right += prediction.selected == prediction.gold;
    ++all;
  }
  double sum = 0;
  for (const auto& [gold, counts] : by_gold)
    sum += static_cast<double>(counts.first) / static_cast<double>(counts.second);
  return by_gold.empty() ? 0 : sum / static_cast<double>(by_gold.size());
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

}  // namespace telora
