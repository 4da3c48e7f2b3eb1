#include "scoring/baselines.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "core/text.h"
#include "data/number_text.h"
#include "data/option_rotation.h"
#include "data/prompt.h"

namespace telora {

namespace {

int64_t count(const std::vector<Example>& rows) { return static_cast<int64_t>(rows.size()); }

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

}  // namespace

Baseline rule_baseline(std::string name, const std::vector<Example>& test,
                       const OptionScores& scores) {
  Baseline baseline{.name = std::move(name), .n = count(test)};
  for (const Example& row : test) {
    const std::vector<double> values = scores(row);
    const double best = std::ranges::max(values);
    const auto tied = static_cast<double>(std::ranges::count(values, best));
    baseline.marks.push_back(values.at(row.answer) == best ? 1 / tied : 0);
    baseline.expected += baseline.marks.back();
  }
  return baseline;
}

Baseline constant_baseline(TaskKind kind, const std::vector<Example>& training,
                           const std::vector<Example>& test) {
  if (training.empty()) {
    fail(ErrorKind::kData, {.file = "training part", .field = {}}, "no rows", "at least one");
  }
  if (kind == TaskKind::kNumber) return best_constant_number(training, test);
  const size_t answer = commonest_answer(training);
  return rule_baseline(
      fmt::format("best constant answer ({})", answer_name(kind, answer, training)), test,
      [&](const Example& row) {
        std::vector<double> scores(std::max(row.options.size(), answer + 1));
        scores[answer] = 1;
        return scores;
      });
}

std::vector<double> option_lengths(const std::vector<std::string>& options) {
  std::vector<double> lengths;
  for (const std::string& option : strip_option_numbers(options)) {
    lengths.push_back(static_cast<double>(count_code_points(option)));
  }
  return lengths;
}

Baseline constant_number(const std::string& number, const std::vector<Example>& test) {
  const double value = read_number(number).value();
  Baseline baseline{.name = fmt::format("always {}", number), .n = count(test)};
  for (const double gold : numbers(test)) {
    baseline.marks.push_back(close_by_official_rule(value, gold) ? 1 : 0);
    baseline.expected += baseline.marks.back();
  }
  return baseline;
}

Baseline longest_baseline(const std::vector<Example>& test) {
  return rule_baseline("longest option", test,
                       [](const Example& row) { return option_lengths(row.options); });
}

Baseline shortest_baseline(const std::vector<Example>& test) {
  return rule_baseline("shortest option", test, [](const Example& row) {
    std::vector<double> lengths = option_lengths(row.options);
    for (double& length : lengths) length = -length;
    return lengths;
  });
}

Baseline chance_baseline(const std::vector<Example>& test) {
  return rule_baseline("chance", test, [](const Example& row) {
    return std::vector<double>(row.options.size());  // all tie
  });
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

const Baseline& best_of(const std::vector<Baseline>& baselines) {
  if (baselines.empty()) {
    fail(ErrorKind::kInternal, {.file = "baselines", .field = {}}, "none", "at least one");
  }
  return *std::ranges::max_element(baselines, {}, &Baseline::rate);
}

}  // namespace telora
