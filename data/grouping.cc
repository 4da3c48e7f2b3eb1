#include "data/grouping.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <numeric>
#include <string>
#include <unordered_map>

#include "core/digest.h"
#include "core/error.h"
#include "data/disjoint_sets.h"
#include "data/near_duplicates.h"

namespace telora {

namespace {

std::string source_key(const Example& example) {
  return fmt::format("{}", fmt::join(example.source, "\x1f"));
}

std::string_view compared_part(const Example& example, const Category& category) {
  const std::string_view question = example.question;
  if (category.similar_after.empty()) return question;
  const size_t at = question.find(category.similar_after);
  return at == std::string_view::npos ? question
                                      : question.substr(at + category.similar_after.size());
}

// The cells of a table's rows of numbers, separated by one space each.
std::string table_cells(std::string_view question) {
  std::string cells;
  for (size_t begin = 0; begin < question.size();) {
    const size_t end = std::min(question.find('\n', begin), question.size());
    const std::string_view line = question.substr(begin, end - begin);
    begin = end + 1;
    if (line.empty() || line[0] < '0' || line[0] > '9' || line.find('|') == line.npos) continue;
    for (const char c : line) {
      const bool separates = c == '|' || c == ' ' || c == '\t' || c == '\r';
      if (!separates) cells += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      if (separates && !cells.empty() && cells.back() != ' ') cells += ' ';
    }
    if (!cells.empty() && cells.back() != ' ') cells += ' ';
  }
  if (!cells.empty()) cells.pop_back();
  return cells;
}

std::string group_name(std::string_view text) { return sha256(text).substr(0, 16); }

// Names each cluster by its smallest text.
void name_clusters(std::vector<Example>& examples, const std::vector<std::string>& texts,
                   DisjointSets& clusters) {
  std::vector<size_t> smallest(texts.size());
  std::iota(smallest.begin(), smallest.end(), size_t{0});
  for (size_t i = 0; i < texts.size(); ++i) {
    size_t& best = smallest[clusters.find(i)];
    if (texts[i] < texts[best]) best = i;
  }
  for (size_t i = 0; i < texts.size(); ++i) {
    examples[i].group = group_name(texts[smallest[clusters.find(i)]]);
  }
}

// Texts of equal rows are joined.
void join_equal(const std::vector<std::string>& texts, DisjointSets& clusters) {
  std::unordered_map<std::string_view, size_t> first;
  for (size_t i = 0; i < texts.size(); ++i) {
    clusters.join(i, first.try_emplace(texts[i], i).first->second);
  }
}

// What else joins rows besides near-duplicate questions: nothing, their source, or their question
// with every number masked.
std::vector<std::string> other_keys(const std::vector<Example>& examples,
                                    const Category& category) {
  std::vector<std::string> keys;
  for (const Example& example : examples) {
    if (category.grouping == "similar-or-source") keys.push_back(source_key(example));
    if (category.grouping == "similar-or-masked") keys.push_back(mask_numbers(example.question));
  }
  return keys;
}

void group_similar(std::vector<Example>& examples, const Category& category) {
  std::vector<std::string> texts;
  for (const Example& example : examples) {
    texts.push_back(compared_text(example, category));
  }
  const std::vector<size_t> similar = near_duplicate_clusters(texts);
  DisjointSets clusters(examples.size());
  for (size_t i = 0; i < similar.size(); ++i) clusters.join(i, similar[i]);
  join_equal(other_keys(examples, category), clusters);
  name_clusters(examples, texts, clusters);
}

// 17 for "T17".
int task_number(const Example& example) {
  const std::string& id = example.source.at(0);
  const size_t digits = std::min(id.find_first_of("0123456789"), id.size());
  int number = 0;
  const char* end = id.data() + id.size();
  const auto [stop, error] = std::from_chars(id.data() + digits, end, number);
  if (error != std::errc() || stop != end) {
    fail(ErrorKind::kData, {.file = example.id, .field = "task_id"}, printable(id, 40),
         "a name that ends in a number");
  }
  return number;
}

// Where each episode begins, by the published lengths; empty if they do not fit these rows.
std::vector<size_t> published_starts(const std::vector<int>& tasks, const Category& category) {
  std::vector<size_t> starts;
  size_t at = 0;
  for (const int64_t length : category.episode_lengths) {
    starts.push_back(at);
    at += static_cast<size_t>(length);
  }
  if (at != tasks.size()) return {};
  for (size_t i = 1; i < tasks.size(); ++i) {
    if (tasks[i] <= tasks[i - 1] && !std::ranges::binary_search(starts, i)) return {};
  }
  return starts;
}

void group_episodes(std::vector<Example>& examples, const Category& category) {
  std::vector<int> tasks;
  for (const Example& example : examples) tasks.push_back(task_number(example));
  const std::vector<size_t> starts = published_starts(tasks, category);
  size_t episode = 0;
  for (size_t i = 0; i < tasks.size(); ++i) {
    const bool starts_here = starts.empty() ? i > 0 && tasks[i] <= tasks[i - 1]
                                            : i > 0 && std::ranges::binary_search(starts, i);
    episode += starts_here;
    examples[i].group = fmt::format("episode-{}", episode);
  }
}

}  // namespace

std::string compared_text(const Example& example, const Category& category) {
  if (category.similar_tables) return table_cells(example.question);
  return normalise_text(compared_part(example, category));
}

bool is_class_cycle(const std::vector<Example>& examples, const Category& category) {
  const size_t block = category.classes.size();
  if (examples.size() % block != 0) return false;
  for (size_t i = 0; i < examples.size(); ++i) {
    if (examples[i].answer != i % block) return false;
  }
  return true;
}

void group_examples(std::vector<Example>& examples, const Category& category) {
  if (category.grouping == "episode") {
    group_episodes(examples, category);
  } else if (category.grouping == "class-cycle" && is_class_cycle(examples, category)) {
    const size_t block = category.classes.size();
    for (size_t i = 0; i < examples.size(); ++i) {
      examples[i].group = fmt::format("scenario-{}", i / block);
    }
  } else if (category.grouping == "source") {
    for (Example& example : examples) example.group = group_name(source_key(example));
  } else {
    group_similar(examples, category);
  }
}

double effective_sample_size(std::span<const size_t> group_sizes) {
  double rows = 0;
  double squares = 0;
  for (const size_t size : group_sizes) {
    rows += static_cast<double>(size);
    squares += static_cast<double>(size) * static_cast<double>(size);
  }
  return squares > 0 ? rows * rows / squares : 0;
}

}  // namespace telora
