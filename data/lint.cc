#include "data/lint.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "data/grouping.h"
#include "data/leaks.h"
#include "data/lite.h"
#include "data/near_duplicates.h"
#include "data/number_text.h"
#include "data/option_rotation.h"
#include "data/prompt.h"
#include "data/regex.h"
#include "data/split.h"

namespace telora {

namespace {

using Keys = std::vector<std::string>;  // one a row; rows with equal keys share what the key names
using Rows = std::vector<size_t>;

constexpr std::string_view kSeparator = "\x1f";

// The texts of the rows of one category in the forms in which they are compared.
struct ComparedRows {
  const Category& category;
  const std::vector<Example>& examples;
  std::vector<Split> splits = {};
  Keys questions = {};  // compared_text()
  Keys answers = {};    // the gold answer as text
  Keys options = {};    // letters: the set of options
};

Keys make_keys(const std::vector<Example>& examples,
               const std::function<std::string(const Example&)>& key) {
  Keys keys;
  for (const Example& example : examples) keys.push_back(key(example));
  return keys;
}

Keys joined(const Keys& first, const Keys& second) {
  Keys keys;
  for (size_t i = 0; i < first.size(); ++i) {
    keys.push_back(fmt::format("{}{}{}", first[i], kSeparator, second[i]));
  }
  return keys;
}

std::string lower_case(const std::string& text) {
  static const Regex all(R"((?s)(.+))");
  return all.replace(text, R"(\L$1)");
}

std::vector<std::string> normalised_options(const Example& example) {
  std::vector<std::string> texts;
  for (const std::string& option : strip_option_numbers(example.options)) {
    texts.push_back(normalise_text(option));
  }
  return texts;
}

std::string option_set(const Example& example) {
  std::vector<std::string> texts = normalised_options(example);
  std::ranges::sort(texts);
  return fmt::format("{}", fmt::join(texts, kSeparator));
}

std::string answer_key(const Category& category, const Example& example) {
  if (category.kind != TaskKind::kLetters) return gold_text(category, example);
  return normalised_options(example).at(example.answer);
}

ComparedRows compare_rows(const Category& category, const std::vector<Example>& examples,
                          const std::vector<std::string>& methods) {
  ComparedRows rows{.category = category, .examples = examples};
  for (const std::string& method : methods) {
    rows.splits.push_back(make_split(examples, category, method, kDefaultSplitSeed));
  }
  rows.questions =
      make_keys(examples, [&](const Example& e) { return compared_text(e, category); });
  rows.answers = make_keys(examples, [&](const Example& e) { return answer_key(category, e); });
  if (category.kind == TaskKind::kLetters) rows.options = make_keys(examples, option_set);
  return rows;
}

// Rows with one key, where at least two have it; in the order of their first rows.
std::vector<Rows> clusters_of(const Keys& keys) {
  std::unordered_map<std::string_view, size_t> numbers;
  std::vector<Rows> all;
  for (size_t i = 0; i < keys.size(); ++i) {
    const auto [found, is_new] = numbers.try_emplace(keys[i], all.size());
    if (is_new) all.emplace_back();
    all[found->second].push_back(i);
  }
  std::erase_if(all, [](const Rows& rows) { return rows.size() < 2; });
  return all;
}

bool differ(const Rows& rows, const Keys& keys) {
  return std::ranges::any_of(rows, [&](size_t row) { return keys[row] != keys[rows.front()]; });
}

SharedRows count_shared(const std::vector<Rows>& clusters, const Keys& answers) {
  SharedRows shared{.clusters = clusters.size()};
  for (const Rows& rows : clusters) {
    shared.rows += rows.size();
    shared.largest = std::max(shared.largest, rows.size());
    shared.conflicting += differ(rows, answers);
  }
  return shared;
}

// Test rows of each split whose key a training row has.
BySplit leaks(const ComparedRows& rows, const Keys& keys) {
  BySplit counts;
  for (const Split& split : rows.splits) {
    std::unordered_set<std::string_view> trained;
    for (const size_t row : split.train) trained.insert(keys[row]);
    counts.push_back(static_cast<size_t>(std::ranges::count_if(
        split.test, [&](size_t row) { return trained.contains(keys[row]); })));
  }
  return counts;
}

// Near-duplicates of one set of texts: equal texts are compared once.
class NearTexts {
 public:
  NearTexts(const Keys& texts, GramUnit unit) {
    std::unordered_map<std::string_view, size_t> numbers;
    std::vector<std::string> distinct;
    for (size_t i = 0; i < texts.size(); ++i) {
      const auto [found, is_new] = numbers.try_emplace(texts[i], distinct.size());
      if (is_new) {
        distinct.push_back(texts[i]);
        holders_.emplace_back();
      }
      holders_[found->second].push_back(i);
      text_of_.push_back(found->second);
    }
    near_ = near_duplicates(distinct, unit);
  }

  size_t rows_with_twin() const {
    return static_cast<size_t>(std::ranges::count_if(
        text_of_, [&](size_t text) { return holders_[text].size() > 1 || !near_[text].empty(); }));
  }

  size_t leaked(const Split& split) const {
    std::vector<bool> trained(near_.size());
    for (const size_t row : split.train) trained[text_of_[row]] = true;
    return static_cast<size_t>(std::ranges::count_if(split.test, [&](size_t row) {
      const size_t text = text_of_[row];
      return trained[text] ||
             std::ranges::any_of(near_[text], [&](size_t other) { return trained[other]; });
    }));
  }

  NearRows count(const std::vector<Split>& splits) const {
    NearRows counts{.rows = rows_with_twin(), .leaked = {}};
    for (const Split& split : splits) counts.leaked.push_back(leaked(split));
    return counts;
  }

  // Calls visit(i, j) for every pair of rows that are near-duplicates, i < j.
  template <typename Visit>
  void visit_pairs(Visit visit) const {
    for (size_t i = 0; i < text_of_.size(); ++i) {
      const auto visit_rows = [&](size_t text) {
        for (const size_t j : holders_[text]) {
          if (i < j) visit(i, j);
        }
      };
      visit_rows(text_of_[i]);
      for (const size_t other : near_[text_of_[i]]) visit_rows(other);
    }
  }

 private:
  std::vector<size_t> text_of_;  // the text of each row
  std::vector<Rows> holders_;    // the rows of each text
  std::vector<Rows> near_;       // the texts near each text
};

void lint_questions(const ComparedRows& rows, CategoryLint& lint) {
  const std::vector<Rows> clusters = clusters_of(rows.questions);
  lint.same_question = count_shared(clusters, rows.answers);
  const Keys raw = make_keys(rows.examples, [](const Example& e) { return e.question; });
  lint.same_raw_question = count_shared(clusters_of(raw), rows.answers);
  lint.answer_leaks = leaks(rows, joined(rows.questions, rows.answers));
  lint.item_leaks = leaks(rows, make_keys(rows.examples, item_key));
  lint.near_words = NearTexts(rows.questions, GramUnit::kWords).count(rows.splits);
  const NearTexts near(rows.questions, GramUnit::kCharacters);
  lint.near_characters = near.count(rows.splits);
  if (rows.category.kind == TaskKind::kNumber) {
    near.visit_pairs([&](size_t i, size_t j) {
      ++lint.near_pairs;
      lint.near_pairs_same_answer += close_relatively(read_number(rows.answers[i]).value(),
                                                      read_number(rows.answers[j]).value());
    });
  }
  if (rows.category.kind != TaskKind::kClasses) return;
  for (const Rows& cluster : clusters) {
    if (differ(cluster, rows.answers)) lint.conflicts.push_back(cluster);
  }
}

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

// Options are compared but for their case and number: 2 and -2 differ.
void lint_repeats(const Example& example, size_t row, CategoryLint& lint) {
  std::vector<std::string> texts;
  for (const std::string& option : strip_option_numbers(example.options)) {
    texts.push_back(lower_case(option));
  }
  const std::set<std::string> distinct(texts.begin(), texts.end());
  if (distinct.size() == texts.size()) return;
  lint.repeated_options.push_back(row);
  if (std::ranges::count(texts, texts.at(example.answer)) > 1) lint.repeated_gold.push_back(row);
  if (distinct.size() == 1) lint.equal_options.push_back(row);
}

void lint_options(const ComparedRows& rows, CategoryLint& lint) {
  if (rows.options.empty()) return;
  lint.same_item = count_shared(clusters_of(joined(rows.questions, rows.options)), rows.answers);
  lint.same_options = count_shared(clusters_of(rows.options), rows.answers);
  lint.option_leaks = leaks(rows, rows.options);
  const Keys items = make_keys(rows.examples, [&](const Example& e) {
    const std::vector<std::string> options = strip_option_numbers(e.options);
    return normalise_text(fmt::format("{} {}", e.question, fmt::join(options, " ")));
  });
  lint.near_items = NearTexts(items, GramUnit::kWords).count(rows.splits);
  for (size_t i = 0; i < rows.examples.size(); ++i) lint_repeats(rows.examples[i], i, lint);
}

void lint_sources(const ComparedRows& rows, CategoryLint& lint) {
  if (rows.category.grouping.find("source") != std::string::npos) {
    const Keys sources = make_keys(rows.examples, [](const Example& e) {
      return fmt::format("{}", fmt::join(e.source, kSeparator));
    });
    lint.same_source = count_shared(clusters_of(sources), rows.answers);
    lint.source_leaks = leaks(rows, sources);
  }
  if (rows.category.kind == TaskKind::kNumber) {
    const Keys masked =
        make_keys(rows.examples, [](const Example& e) { return mask_numbers(e.question); });
    lint.same_template = count_shared(clusters_of(masked), rows.answers);
    lint.templates = std::set<std::string>(masked.begin(), masked.end()).size();
  }
}

void lint_groups(const ComparedRows& rows, CategoryLint& lint) {
  const Keys groups = make_keys(rows.examples, [](const Example& e) { return e.group; });
  std::map<std::string, size_t> counted;
  for (const std::string& group : groups) ++counted[group];
  std::vector<size_t> sizes;
  for (const auto& [group, size] : counted) sizes.push_back(size);
  lint.groups = sizes.size();
  lint.largest_group = sizes.empty() ? 0 : std::ranges::max(sizes);
  lint.effective_rows = effective_sample_size(sizes);
  lint.group_leaks = leaks(rows, groups);
}

// Questions that cannot be answered, and rows whose number answers them.
void lint_broken(const ComparedRows& rows, CategoryLint& lint) {
  for (size_t i = 0; i < rows.examples.size(); ++i) {
    if (normalise_text(rows.examples[i].question).empty()) lint.empty_questions.push_back(i);
  }
  for (const Rows& cluster : clusters_of(rows.questions)) {
    const size_t words = words_of(rows.questions[cluster.front()]).size();
    if (words == 0 || words > 2) continue;
    lint.title_questions.insert(lint.title_questions.end(), cluster.begin(), cluster.end());
  }
  std::ranges::sort(lint.title_questions);
  lint.answers_follow_rows =
      rows.category.kind == TaskKind::kClasses && is_class_cycle(rows.examples, rows.category);
  lint.telling_fields = rows.category.telling_fields;
}

void lint_lite(const ComparedRows& rows, const LintRequest& request, CategoryLint& lint) {
  const bool known = knows_lite_draw(rows.category, rows.examples);
  if (!known && !(request.lite && find_data_file(*request.lite, rows.category))) return;
  const std::vector<Rows> lite = published_lite_rows(rows.category, rows.examples, request.lite);
  lint.lite_rows = lite.size();
  for (const Split& split : rows.splits) {
    const std::unordered_set<size_t> trained(split.train.begin(), split.train.end());
    lint.lite_in_training.push_back(
        static_cast<size_t>(std::ranges::count_if(lite, [&](const Rows& same) {
          return std::ranges::any_of(same, [&](size_t row) { return trained.contains(row); });
        })));
  }
}

}  // namespace

CategoryLint lint_category(const Category& category, const DataSet& data,
                           const LintRequest& request) {
  CategoryLint lint;
  lint.category = category.name;
  lint.origin = data.origin;
  lint.sha256 = data.sha256;
  lint.rows = data.examples.size();
  lint.methods = {"py", "hf", "sk"};
  if (std::ranges::find(lint.methods, request.method) == lint.methods.end()) {
    lint.methods.push_back(request.method);
  }
  const ComparedRows rows = compare_rows(category, data.examples, lint.methods);
  for (const Split& split : rows.splits) lint.test_rows.push_back(split.test.size());
  lint_questions(rows, lint);
  lint_options(rows, lint);
  lint_sources(rows, lint);
  lint_groups(rows, lint);
  lint_broken(rows, lint);
  lint_lite(rows, request, lint);
  return lint;
}

size_t shared_questions(const std::vector<std::pair<const Category*, const DataSet*>>& sets) {
  std::unordered_map<std::string, size_t> asked_by;  // number of the first category that does
  std::set<std::string> shared;
  for (size_t number = 0; number < sets.size(); ++number) {
    const auto& [category, data] = sets[number];
    for (const Example& example : data->examples) {
      const std::string question = normalise_text(example.question);
      if (question.empty()) continue;
      if (asked_by.try_emplace(question, number).first->second != number) shared.insert(question);
    }
  }
  return shared.size();
}

}  // namespace telora
