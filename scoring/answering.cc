#include "scoring/answering.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <set>

#include "core/error.h"
#include "scoring/majority.h"

namespace telora {

namespace {

struct Answer {
  std::string text = {};  // empty = not understood
  bool correct = false;
  bool parsed = true;
};

using Read = std::function<std::optional<Answer>(const Prediction&)>;

using Rows = std::vector<const Prediction*>;

Rows sorted_by_id(const std::vector<Prediction>& predictions) {
  Rows rows;
  for (const Prediction& prediction : predictions) rows.push_back(&prediction);
  std::ranges::sort(rows, {}, &Prediction::id);
  const auto twice = std::ranges::adjacent_find(rows, {}, &Prediction::id);
  if (twice == rows.end()) return rows;
  fail(ErrorKind::kData, {.file = "predictions", .field = "id"},
       fmt::format("\"{}\" twice", printable((*twice)->id)), "each question once",
       "was a file appended to another?");
}

Prediction without_texts(const Prediction& p) {
  Prediction row;
  row.id = p.id;
  row.split = p.split;
  row.split_method = p.split_method;
  row.split_seed = p.split_seed;
  row.parser = p.parser;
  row.group = p.group.empty() ? p.id : p.group;
  row.options = p.options;
  row.gold = p.gold;
  return row;
}

void add(std::string metric, bool understood, const Rows& rows, const Read& read,
         std::vector<AnswerSet>& sets) {
  AnswerSet set{std::move(metric), understood};
  for (const Prediction* p : rows) {
    std::optional<Answer> answer = read(*p);
    if (!answer) continue;
    Prediction& row = set.rows.emplace_back(without_texts(*p));
    row.predicted = std::move(answer->text);
    row.correct = answer->correct;
    row.parsed = answer->parsed;
  }
  if (!set.rows.empty()) sets.push_back(std::move(set));
}

std::optional<Answer> option_answer(const std::string& selected, const std::string& gold) {
  if (selected.empty()) return std::nullopt;
  return Answer{selected, selected == gold};
}

std::optional<Answer> generated_answer(const Prediction& p) {
  if (!p.output) return std::nullopt;
  return Answer{p.predicted, p.correct, p.parsed};
}

std::optional<Answer> voted_answer(const Prediction& p) {
  if (p.samples.empty()) return std::nullopt;
  return Answer{p.voted, p.voted_correct, !p.voted.empty()};
}

std::optional<Answer> reading_of(const Prediction& p, const std::string& parser) {
  const auto reading = std::ranges::find(p.readings, parser, &Reading::parser);
  if (reading == p.readings.end()) return std::nullopt;
  return Answer{reading->predicted, reading->correct, !reading->predicted.empty()};
}

// How many samples each vote was taken of; 0: there was none.
size_t samples_of(const Rows& rows) {
  const Prediction* first = nullptr;
  for (const Prediction* p : rows) {
    if (p->samples.empty()) continue;
    if (first == nullptr) first = p;
    if (p->samples.size() == first->samples.size()) continue;
    fail(ErrorKind::kData, {.file = printable(p->id), .field = "samples"},
         fmt::format("{} of them", p->samples.size()),
         fmt::format("{}, as of {}", first->samples.size(), printable(first->id)),
         "take all votes of the same number of answers");
  }
  return first == nullptr ? 0 : first->samples.size();
}

}  // namespace

std::vector<AnswerSet> answer_sets(const std::vector<Prediction>& predictions) {
  const Rows rows = sorted_by_id(predictions);
  std::vector<AnswerSet> sets;
  add(kGenerated, true, rows, generated_answer, sets);
  add(
      kSelection, false, rows,
      [](const Prediction& p) { return option_answer(p.selected, p.gold); }, sets);
  add(
      kSelectionByLength, false, rows,
      [](const Prediction& p) { return option_answer(p.selected_by_length, p.gold); }, sets);
  const auto samples = static_cast<int64_t>(samples_of(rows));
  add(majority_name(samples), true, rows, voted_answer, sets);
  std::set<std::string> parsers;
  for (const Prediction* p : rows) {
    for (const Reading& reading : p->readings) parsers.insert(reading.parser);
  }
  for (const std::string& parser : parsers) {
    add(
        reading_name(parser), true, rows,
        [&](const Prediction& p) { return reading_of(p, parser); }, sets);
  }
  return sets;
}

const AnswerSet* find_answers(const std::vector<AnswerSet>& sets, const std::string& metric) {
  const auto found = std::ranges::find(sets, metric, &AnswerSet::metric);
  return found == sets.end() ? nullptr : &*found;
}

std::string reading_name(const std::string& parser) { return "by " + parser; }

std::optional<std::string> variant_of(const std::string& metric) {
  if (metric == kSelectionByLength) return kSelection;
  if (metric.starts_with(reading_name(""))) return kGenerated;
  return std::nullopt;
}

}  // namespace telora
