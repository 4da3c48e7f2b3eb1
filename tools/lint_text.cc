#include "tools/lint_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace telora {

namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMostRowsNamed = 12;

std::string by_split(const BySplit& counts) {
  return counts.empty() ? "–" : fmt::format("{}", fmt::join(counts, " / "));
}

// Rows, and their share in percent, rounded half up.
std::string share(size_t rows, size_t of) {
  const size_t tenths = of == 0 ? 0 : (2000 * rows + of) / (2 * of);
  return fmt::format("{} ({}.{})", rows, tenths / 10, tenths % 10);
}

std::string duplicate_line(const CategoryLint& lint) {
  const SharedRows& same = lint.same_question;
  const std::string clusters =
      same.rows == 0 ? "0" : fmt::format("{} in {} ({})", same.rows, same.clusters, same.largest);
  return fmt::format("{:<13}{:>17}{:>10}{:>12}{:>20}{:>13}{:>22}\n", lint.category, clusters,
                     same.conflicting, share(lint.near_words.rows, lint.rows),
                     by_split(lint.near_words.leaked), share(lint.near_characters.rows, lint.rows),
                     by_split(lint.near_characters.leaked));
}

std::string group_line(const CategoryLint& lint) {
  return fmt::format("{:<13}{:>8}{:>8}{:>9}{:>9.0f}{:>26}{:>30}\n", lint.category, lint.rows,
                     lint.groups, lint.largest_group, lint.effective_rows,
                     by_split(lint.group_leaks), by_split(lint.test_rows));
}

std::string rows_named(const std::vector<size_t>& rows) {
  const size_t shown = std::min(rows.size(), kMostRowsNamed);
  return fmt::format(
      "{}{}", fmt::join(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
      shown < rows.size() ? ", …" : "");
}

// Collects the findings of one category.
class Findings {
 public:
  explicit Findings(const CategoryLint& lint) : lint_(lint) {}

  void add(bool wanted, const std::string& finding) {
    if (wanted) text_ += fmt::format("{:<13}{}\n", lint_.category, finding);
  }

  void add_rows(const std::vector<size_t>& rows, std::string_view what) {
    add(!rows.empty(), fmt::format("{} row{} {}: {}", rows.size(), rows.size() == 1 ? "" : "s",
                                   what, rows_named(rows)));
  }

  std::string text() const { return text_; }

 private:
  const CategoryLint& lint_;
  std::string text_;
};

void add_shared(const CategoryLint& lint, Findings& findings) {
  findings.add(lint.same_item.rows > 0,
               fmt::format("{} rows in {} clusters are one item: question and options",
                           lint.same_item.rows, lint.same_item.clusters));
  findings.add(
      lint.near_items.rows > 0,
      fmt::format("{} rows are near-duplicates in question and options", lint.near_items.rows));
  const SharedRows& options = lint.same_options;
  findings.add(options.rows > 0,
               fmt::format("{} rows in {} clusters have one set of options, in {} of "
                           "them with different answers",
                           options.rows, options.clusters, options.conflicting));
  findings.add(lint.same_source.rows > 0,
               fmt::format("{} rows in {} clusters come from one source", lint.same_source.rows,
                           lint.same_source.clusters));
  findings.add(
      lint.templates > 0,
      fmt::format(
          "{} questions once numbers are masked; {} rows share one, the largest cluster has {}",
          lint.templates, lint.same_template.rows, lint.same_template.largest));
  findings.add(lint.near_pairs > 0,
               fmt::format("{} pairs of near-duplicates, {} with the same answer", lint.near_pairs,
                           lint.near_pairs_same_answer));
}

void add_leaks(const CategoryLint& lint, Findings& findings) {
  const auto add = [&](const BySplit& counts, std::string_view what) {
    const bool any = std::ranges::any_of(counts, [](size_t count) { return count > 0; });
    findings.add(any, fmt::format("test rows {}: {}", what, by_split(counts)));
  };
  add(lint.answer_leaks, "whose question and answer are in training");
  add(lint.item_leaks, "that are exactly a training row");
  add(lint.option_leaks, "whose set of options is in training");
  add(lint.source_leaks, "whose source is in training");
  findings.add(lint.lite_rows.has_value(),
               fmt::format("of {} rows of the published small file training has a copy of: {}",
                           lint.lite_rows.value_or(0), by_split(lint.lite_in_training)));
}

std::string findings_of(const CategoryLint& lint) {
  Findings findings(lint);
  findings.add_rows(lint.empty_questions, "without a question");
  findings.add_rows(lint.title_questions,
                    "with a question of one or two words that others have too");
  findings.add_rows(lint.repeated_options, "with an option twice");
  findings.add_rows(lint.repeated_gold,
                    "with the right option twice, so a right answer can count as wrong");
  findings.add_rows(lint.equal_options, "with nothing but one text to choose from");
  for (const Conflict& rows : lint.conflicts)
    findings.add_rows(rows, "that say the same under different answers");
  findings.add(lint.answers_follow_rows, "the number of a row tells its answer");
  findings.add(!lint.telling_fields.empty(),
               fmt::format("never show a model these fields, they tell the answer: {}",
                           fmt::join(lint.telling_fields, ", ")));
  add_shared(lint, findings);
  add_leaks(lint, findings);
  return findings.text();
}

Json to_value(const SharedRows& shared) {
  return {{"rows", shared.rows},
          {"clusters", shared.clusters},
          {"largest", shared.largest},
          {"conflicting", shared.conflicting}};
}

Json to_value(const NearRows& near) { return {{"rows", near.rows}, {"leaked", near.leaked}}; }

Json to_value(const CategoryLint& lint) {
  Json value = {{"category", lint.category},
                {"origin", lint.origin},
                {"sha256", lint.sha256},
                {"rows", lint.rows},
                {"methods", lint.methods},
                {"test_rows", lint.test_rows},
                {"same_question", to_value(lint.same_question)},
                {"same_raw_question", to_value(lint.same_raw_question)},
                {"same_item", to_value(lint.same_item)},
                {"same_options", to_value(lint.same_options)},
                {"same_source", to_value(lint.same_source)},
                {"same_template", to_value(lint.same_template)},
                {"templates", lint.templates},
                {"near_words", to_value(lint.near_words)},
                {"near_characters", to_value(lint.near_characters)},
                {"near_items", to_value(lint.near_items)},
                {"near_pairs", lint.near_pairs},
                {"near_pairs_same_answer", lint.near_pairs_same_answer},
                {"groups", lint.groups},
                {"largest_group", lint.largest_group},
                {"effective_rows", lint.effective_rows}};
  value["leaks"] = {{"group", lint.group_leaks},
                    {"question_and_answer", lint.answer_leaks},
                    {"item", lint.item_leaks},
                    {"options", lint.option_leaks},
                    {"source", lint.source_leaks}};
  value["broken"] = {{"empty_questions", lint.empty_questions},
                     {"title_questions", lint.title_questions},
                     {"repeated_options", lint.repeated_options},
                     {"repeated_gold", lint.repeated_gold},
                     {"equal_options", lint.equal_options},
                     {"conflicts", lint.conflicts},
                     {"answers_follow_rows", lint.answers_follow_rows}};
  value["telling_fields"] = lint.telling_fields;
  value["lite_rows"] = lint.lite_rows ? Json(*lint.lite_rows) : Json(nullptr);
  value["lite_in_training"] = lint.lite_in_training;
  return value;
}

}  // namespace

std::string lint_text(const LintFindings& findings) {
  if (findings.categories.empty()) return {};
  const std::string methods = fmt::format("{}", fmt::join(findings.categories[0].methods, " / "));
  std::string text = fmt::format(
      "Duplicates. Leak: test rows with a twin in training, by split {}, seed 42.\n\n"
      "{:<13}{:>17}{:>10}{:>12}{:>20}{:>13}{:>22}\n",
      methods, "", "same question", "conflicts", "5 words (%)", "leak", "5 chars (%)", "leak");
  for (const CategoryLint& lint : findings.categories) text += duplicate_line(lint);
  text += fmt::format(
      "\nGroups. Worth: as many rows without groups would tell as much, were the rows of a group "
      "all "
      "alike. Leak: test rows whose group is in training.\n\n"
      "{:<13}{:>8}{:>8}{:>9}{:>9}{:>26}{:>30}\n",
      "", "rows", "groups", "largest", "worth", "leak", "test rows");
  for (const CategoryLint& lint : findings.categories) text += group_line(lint);
  text += "\nFindings. Rows are counted from 0.\n\n";
  for (const CategoryLint& lint : findings.categories) text += findings_of(lint);
  if (findings.categories.size() > 1) {
    text += fmt::format("{:<13}{} questions are asked by more than one category\n", "all",
                        findings.shared);
  }
  return text;
}

std::string lint_json(const LintFindings& findings) {
  Json value = {{"lint_version", 1}, {"categories", Json::array()}};
  for (const CategoryLint& lint : findings.categories)
    value["categories"].push_back(to_value(lint));
  value["shared_questions"] = findings.shared;
  return value.dump(2) + "\n";
}

}  // namespace telora
