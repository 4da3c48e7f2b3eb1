#include "data/lite.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "core/error.h"
#include "data/reader.h"
#include "data/reference_random.h"
#include "data/source.h"

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

std::vector<size_t> drawn_rows(const LiteDraw& draw) {
  std::vector<size_t> rows = numpy_permutation(static_cast<size_t>(draw.of_rows), draw.seed);
  rows.resize(static_cast<size_t>(draw.rows));
  std::ranges::sort(rows);
  return rows;
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

}  // namespace

std::vector<size_t> published_lite_rows(const Category& category,
                                        const std::vector<Example>& examples,
                                        const std::optional<std::filesystem::path>& folder) {
  const bool drawn = category.lite && std::cmp_equal(category.lite->of_rows, examples.size());
  if (drawn) return drawn_rows(*category.lite);
  const auto file = folder ? find_data_file(*folder, category) : std::nullopt;
  if (!file) {
    fail(ErrorKind::kMissing,
         {.file = folder ? (*folder / (category.file + ".jsonl.gz")).string() : category.name,
          .field = {}},
         folder ? "no such file, nor one without .gz" : "no way to tell its lite rows",
         "the published lite file of " + category.name, "name its folder with --lite DIR");
  }
  Questions questions;
  for (size_t i = 0; i < examples.size(); ++i) {
    questions[without_blanks(examples[i].question)].push_back(i);
  }
  std::set<size_t> rows;
  for (const Example& lite : read_examples(*file, category)) {
    const std::vector<size_t> found = rows_like(lite, examples, questions);
    rows.insert(found.begin(), found.end());
  }
  return {rows.begin(), rows.end()};
}

}  // namespace telora
