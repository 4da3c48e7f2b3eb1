#include "data/lite.h"

#include <algorithm>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "core/error.h"
#include "data/reader.h"
#include "data/reference_random.h"
#include "data/source.h"
#include "data/split.h"

namespace telora {

namespace {

std::string without_blanks(const std::string& text) {
  std::string out;
  std::ranges::copy_if(text, std::back_inserter(out), [](char c) {
    return std::string_view(" \t\r\n").find(c) == std::string_view::npos;
  });
  return out;
}

bool same_options(const Example& a, const Example& b) {
  return std::ranges::equal(a.options, b.options, {}, without_blanks, without_blanks);
}

// The full file's rows by question.
using Questions = std::unordered_map<std::string, std::vector<size_t>>;

std::vector<size_t> rows_like(const Example& lite, const std::vector<Example>& examples,
                              const Questions& questions) {
  const auto same = questions.find(without_blanks(lite.question));
  if (same == questions.end()) {
    fail(ErrorKind::kData, {.file = lite.id, .field = "question"}, "a row that the full file lacks",
         "a small file drawn from it", "are both files of one version?");
  }
  std::vector<size_t> exact;
  std::ranges::copy_if(same->second, std::back_inserter(exact),
                       [&](size_t row) { return same_options(examples[row], lite); });
  return exact.empty() ? same->second : exact;
}

// The rows of the small file itself.
std::vector<Example> lite_examples(const Category& category, const std::vector<Example>& examples,
                                   const std::optional<std::filesystem::path>& folder) {
  if (knows_lite_draw(category, examples)) {
    std::vector<size_t> rows = numpy_permutation(examples.size(), category.lite->seed);
    rows.resize(static_cast<size_t>(category.lite->rows));
    return examples_at(examples, rows);
  }
  const auto file = folder ? find_data_file(*folder, category) : std::nullopt;
  if (file) return read_examples(*file, category);
  fail(ErrorKind::kMissing,
       {.file = folder ? (*folder / (category.file + ".jsonl.gz")).string() : category.name,
        .field = {}},
       folder ? "no such file, nor one without .gz" : "no way to tell its lite rows",
       "the published lite file of " + category.name, "name its folder with --lite DIR");
}

}  // namespace

bool knows_lite_draw(const Category& category, const std::vector<Example>& examples) {
  return category.lite && std::cmp_equal(category.lite->of_rows, examples.size());
}

std::vector<std::vector<size_t>> published_lite_rows(
    const Category& category, const std::vector<Example>& examples,
    const std::optional<std::filesystem::path>& folder) {
  const std::vector<Example> lite = lite_examples(category, examples, folder);
  Questions questions;
  for (size_t i = 0; i < examples.size(); ++i) {
    questions[without_blanks(examples[i].question)].push_back(i);
  }
  std::vector<std::vector<size_t>> lists;
  for (const Example& example : lite) lists.push_back(rows_like(example, examples, questions));
  return lists;
}

std::vector<size_t> all_rows(const std::vector<std::vector<size_t>>& lists) {
  std::set<size_t> rows;
  for (const std::vector<size_t>& list : lists) rows.insert(list.begin(), list.end());
  return {rows.begin(), rows.end()};
}

std::vector<size_t> rows_held_out(const LiteChoice& choice, const Category& category,
                                  const std::vector<Example>& examples) {
  if (!choice.hold_out) return {};
  std::optional<std::filesystem::path> folder;
  if (!choice.folder.empty()) folder = choice.folder;
  return all_rows(published_lite_rows(category, examples, folder));
}

}  // namespace telora
