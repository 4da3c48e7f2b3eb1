#include "scoring/report_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/error.h"
#include "data/prompt.h"
#include "data/source.h"
#include "scoring/free_baselines.h"

namespace telora {

namespace {

std::string question_text(TaskKind kind, const Example& example) {
  std::string text = example.question;
  if (kind != TaskKind::kLetters) return text;
  for (size_t i = 0; i < example.options.size(); ++i) {
    text += fmt::format("\n{}) {}", option_letter(i), example.options[i]);
  }
  return text;
}

std::set<std::string> ids_of(const std::vector<Example>& rows) {
  std::set<std::string> ids;
  for (const Example& row : rows) ids.insert(row.id);
  return ids;
}

void check_rows(const ReportInputs& inputs, const std::string& part,
                const std::vector<Example>& rows, const std::string& origin) {
  const std::set<std::string> known = ids_of(rows);
  for (const SubjectInputs& subject : inputs.subjects) {
    for (const PartPredictions& one : subject.parts) {
      if (one.part != part) continue;
      for (const Prediction& p : one.predictions) {
        if (known.contains(p.id)) continue;
        fail(ErrorKind::kData, {.file = subject.name, .field = "id"}, printable(p.id),
             fmt::format("a row of the {} part of {}", part, origin),
             "give the --data that was scored, and --hold-out-lite if it was");
      }
    }
  }
}

// Takes a digest, or refuses it where the predictions are known to be of another.
void take_digest(ReportInputs& inputs, const std::string& name, const std::string& found) {
  std::string& known = inputs.digests[name];
  if (!known.empty() && known != found) {
    fail(ErrorKind::kData, {.file = "--data", .field = name}, "SHA-256 " + found,
         printable(known) + ", which was scored",
         "give the --data that was scored, and --hold-out-lite if it was");
  }
  known = found;
}

std::set<std::string> scored_parts(const ReportInputs& inputs) {
  std::set<std::string> parts;
  for (const SubjectInputs& subject : inputs.subjects) {
    for (const PartPredictions& part : subject.parts) parts.insert(part.part);
  }
  return parts;
}

}  // namespace

// A probe knows the rows that it was trained or chosen on: there it costs as much as a model.
BaselineInputs part_baselines(const Category& category, const std::vector<Example>& examples,
                              const Split& split, const std::string& part,
                              const std::vector<size_t>& rows) {
  const std::vector<Example> training = examples_at(examples, split.train);
  const std::vector<Example> scored = examples_at(examples, rows);
  BaselineInputs inputs{.part = part};
  inputs.baselines =
      part == "test"
          ? free_baselines(category, training, examples_at(examples, split.validation), scored)
          : untrained_baselines(category, training, scored);
  const std::vector<double>& marks = best_of(inputs.baselines).marks;
  for (size_t i = 0; i < marks.size(); ++i) inputs.marks.push_back({scored.at(i).id, marks[i]});
  return inputs;
}

void add_questions(const Category& category, const std::vector<Example>& rows, PageTexts& texts) {
  for (const Example& row : rows) texts.questions[row.id] = question_text(category.kind, row);
}

PageTexts add_data(const std::string& data, const LiteChoice& lite, ReportInputs& inputs) {
  const Category& category = find_category(inputs.category);
  const DataSet set = load_category(find_source(data), category);
  const Split split = make_split(set.examples, category, inputs.split_method,
                                 static_cast<uint64_t>(inputs.split_seed),
                                 rows_held_out(lite, category, set.examples));
  take_digest(inputs, "data", set.sha256);
  take_digest(inputs, "split", split_digest(split));
  inputs.rows = {std::ssize(split.train), std::ssize(split.validation), std::ssize(split.test)};
  inputs.baselines.clear();
  PageTexts texts;
  for (const std::string& part : scored_parts(inputs)) {
    const std::vector<Example> rows = examples_at(set.examples, part_of(split, part));
    check_rows(inputs, part, rows, set.origin);
    inputs.baselines.push_back(
        part_baselines(category, set.examples, split, part, part_of(split, part)));
    add_questions(category, rows, texts);
  }
  return texts;
}

}  // namespace telora
