#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "data/category.h"
#include "data/example.h"

namespace telora {

// What answers without a model score.
struct Baseline {
  std::string name = {};  // "best constant answer (B)", "longest option"
  double expected = 0;    // right answers; a tie counts as the mean of a random pick among the tied
  int64_t n = 0;
  std::vector<double> marks = {};  // of each row, 0 to 1, in the rows' order; empty where the
                                   // baseline was read from a report
  std::string detail = {};         // what a trained probe was chosen to be; else empty
  double rate() const { return n == 0 ? 0 : expected / static_cast<double>(n); }
};

// A score for every option; the option with the greatest is the answer.
using OptionScores = std::function<std::vector<double>(const Example&)>;

Baseline rule_baseline(std::string name, const std::vector<Example>& test,
                       const OptionScores& scores);

// Always the commonest answer of the training rows (the first of equals), scored on `test`. For
// numbers the training answer that is close enough to most of them by the official rule (the first
// of equals). Throws Error(data) if there is no training row.
Baseline constant_baseline(TaskKind kind, const std::vector<Example>& training,
                           const std::vector<Example>& test);

// The longest, or shortest, option in code points, a leading option number (`2. `) not counted.
Baseline longest_baseline(const std::vector<Example>& test);
Baseline shortest_baseline(const std::vector<Example>& test);

// Always the same number, by the official rule.
Baseline constant_number(const std::string& number, const std::vector<Example>& test);

// The mean of 1 / number of options.
Baseline chance_baseline(const std::vector<Example>& test);

// All that make sense: the option rules only where the options are texts of the question's own; for
// numbers the constants 0 and the best one.
std::vector<Baseline> shortcut_baselines(TaskKind kind, const std::vector<Example>& training,
                                         const std::vector<Example>& test);

// The baseline with the highest rate, the first of equals. Throws Error(internal) if there is none.
const Baseline& best_of(const std::vector<Baseline>& baselines);

// Lengths of the options in code points, their numbers not counted.
std::vector<double> option_lengths(const std::vector<std::string>& options);

}  // namespace telora
