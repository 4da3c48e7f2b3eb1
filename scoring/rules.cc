#include "scoring/rules.h"

#include <algorithm>
#include <set>
#include <sstream>
#include <string>

#include "data/near_duplicates.h"
#include "data/option_rotation.h"
#include "data/regex.h"

namespace telora {

namespace {

std::vector<double> all_of_the_above_scores(const Example& row) {
  static const Regex all("all of the above", {.ignore_case = true});
  static const Regex none("none of", {.ignore_case = true});
  constexpr double kFirst = 1e9;  // longer than any option
  std::vector<double> scores = option_lengths(row.options);
  for (size_t i = 0; i < scores.size(); ++i) {
    if (none.matches(row.options[i])) scores[i] = -1;
    if (all.matches(row.options[i])) scores[i] = kFirst;
  }
  return scores;
}

std::vector<double> cautious_scores(const Example& row) {
  static const Regex certain(R"(assum|since|because|\bfull\b|\ball\b|maximi)",
                             {.ignore_case = true});
  const std::vector<double> lengths = option_lengths(row.options);
  std::vector<double> scores = lengths;
  bool any_left = false;
  for (size_t i = 0; i < scores.size(); ++i) {
    const bool dropped = certain.matches(row.options[i]);
    if (dropped) scores[i] = -1;
    any_left = any_left || !dropped;
  }
  return any_left ? scores : lengths;
}

// Its words, cut at all but letters and digits, without those that any question has.
std::set<std::string> telling_words(const std::string& text) {
  static const std::set<std::string> common = {"a",   "an", "and", "for", "in", "is",   "it",
                                               "its", "of", "on",  "the", "to", "what", "which"};
  std::set<std::string> found;
  std::istringstream words(normalise_text(text));
  for (std::string word; words >> word;) {
    if (!common.contains(word)) found.insert(word);
  }
  return found;
}

std::vector<double> question_words_scores(const Example& row) {
  const std::set<std::string> asked = telling_words(row.question);
  std::vector<double> scores;
  for (const std::string& option : strip_option_numbers(row.options)) {
    const std::set<std::string> offered = telling_words(option);
    scores.push_back(static_cast<double>(std::ranges::count_if(
        offered, [&](const std::string& word) { return asked.contains(word); })));
  }
  // Far less than a word apart: of equals the first is taken.
  for (size_t i = 0; i < scores.size(); ++i) scores[i] -= 1e-6 * static_cast<double>(i);
  return scores;
}

}  // namespace

Baseline all_of_the_above_rule(const std::vector<Example>& rows) {
  return rule_baseline("\"all of the above\", else longest", rows, all_of_the_above_scores);
}

Baseline cautious_rule(const std::vector<Example>& rows) {
  return rule_baseline("longest without words of certainty", rows, cautious_scores);
}

Baseline question_words_rule(const std::vector<Example>& rows) {
  return rule_baseline("most words of the question", rows, question_words_scores);
}

std::vector<Baseline> text_rules(const Category& category, const std::vector<Example>& rows) {
  if (category.name == "teleqna" || category.name == "oran-bench") {
    return {all_of_the_above_rule(rows)};
  }
  if (category.name == "6g-bench") return {cautious_rule(rows)};
  if (category.name == "srsran-bench") return {question_words_rule(rows)};
  return {};
}

}  // namespace telora
