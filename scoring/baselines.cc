#include "scoring/baselines.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "data/number_text.h"
#include "data/prompt.h"

namespace telora {

namespace {

int64_t count(const std::vector<Example>& rows) { return static_cast<int64_t>(rows.size()); }

// UTF-8 continuation bytes do not begin a character.
int64_t code_points(const std::string& text) {
  return std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; });
}

size_t commonest_answer(const std::vector<Example>& rows) {
  std::vector<int64_t> counts;
  for (const Example& row : rows) {
    counts.resize(std::max(counts.size(), row.answer + 1));
    ++counts[row.answer];
  }
  return static_cast<size_t>(std::ranges::max_element(counts) - counts.begin());
}

std::string answer_name(TaskKind kind, size_t answer, const std::vector<Example>& rows) {
  if (kind == TaskKind::kLetters) return option_letter(answer);
  return rows.front().options.at(answer);
}

std::vector<double> numbers(const std::vector<Example>& rows) {
  std::vector<double> values;
  for (const Example& row : rows) values.push_back(read_number(row.number).value());
  return values;
}

int64_t close_to(double value, const std::vector<double>& wanted) {
  return std::ranges::count_if(wanted,
                               [&](double gold) { return close_by_official_rule(value, gold); });
}

Baseline best_constant_number(const std::vector<Example>& training,
                              const std::vector<Example>& test) {
  const std::vector<double> wanted = numbers(training);
  const auto best =
      std::ranges::max_element(wanted, {}, [&](double value) { return close_to(value, wanted); });
  const std::string& number = training[static_cast<size_t>(best - wanted.begin())].number;
  Baseline score = constant_number(number, test);
  score.name = fmt::format("best constant answer ({})", number);
  return score;
}

// `sign` 1 prefers the longest option, -1 the shortest.
Baseline length_baseline(std::string name, const std::vector<Example>& test, int sign) {
  Baseline score{std::move(name), 0, count(test)};
  for (const Example& row : test) {
    std::vector<int64_t> lengths;
    for (const std::string& option : without_numbers(row.options)) {
      lengths.push_back(sign * code_points(option));
    }
    const int64_t best = std::ranges::max(lengths);
    if (lengths.at(row.answer) != best) continue;
    score.expected += 1.0 / static_cast<double>(std::ranges::count(lengths, best));
  }
  return score;
}

}  // namespace

std::vector<std::string> without_numbers(const std::vector<std::string>& options) {
  std::vector<std::string> bare;
  for (size_t i = 0; i < options.size(); ++i) {
    const std::string number = fmt::format("{}. ", i + 1);
    if (!options[i].starts_with(number)) return options;
    bare.push_back(options[i].substr(number.size()));
  }
  return bare;
}

Baseline constant_baseline(TaskKind kind, const std::vector<Example>& training,
                           const std::vector<Example>& test) {
  if (training.empty()) {
    fail(ErrorKind::kData, {.file = "training part", .field = {}}, "no rows", "at least one");
  }
  if (kind == TaskKind::kNumber) return best_constant_number(training, test);
  const size_t answer = commonest_answer(training);
  Baseline score{fmt::format("best constant answer ({})", answer_name(kind, answer, training)), 0,
                 count(test)};
  score.expected = static_cast<double>(std::ranges::count(test, answer, &Example::answer));
  return score;
}

Baseline constant_number(const std::string& number, const std::vector<Example>& test) {
  const auto right = static_cast<double>(close_to(read_number(number).value(), numbers(test)));
  return {fmt::format("always {}", number), right, count(test)};
}

Baseline longest_baseline(const std::vector<Example>& test) {
  return length_baseline("longest option", test, 1);
}

Baseline shortest_baseline(const std::vector<Example>& test) {
  return length_baseline("shortest option", test, -1);
}

Baseline chance_baseline(const std::vector<Example>& test) {
  Baseline score{"chance", 0, count(test)};
  for (const Example& row : test) score.expected += 1.0 / static_cast<double>(row.options.size());
  return score;
}

std::vector<Baseline> shortcut_baselines(TaskKind kind, const std::vector<Example>& training,
                                         const std::vector<Example>& test) {
  std::vector<Baseline> scores = {constant_baseline(kind, training, test)};
  if (kind == TaskKind::kNumber) {
    scores.push_back(constant_number("0", test));
    return scores;  // nothing is offered that a guess could choose from
  }
  if (kind == TaskKind::kLetters) {
    scores.push_back(longest_baseline(test));
    scores.push_back(shortest_baseline(test));
  }
  scores.push_back(chance_baseline(test));
  return scores;
}

}  // namespace telora
