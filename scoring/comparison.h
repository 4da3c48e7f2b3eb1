#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scoring/answering.h"
#include "scoring/prediction.h"
#include "scoring/statistics.h"

namespace telora {

enum class Finding { kBetter, kWorse, kUndecided };
// "better", "worse", "not distinguishable"
std::string finding_text(Finding finding);

inline constexpr double kSignificance = 0.05;

// Two subjects on the same questions.
struct Comparison {
  std::string metric = {};
  std::string part = {};
  std::string first = {};
  std::string second = {};
  PairedCounts counts = {};
  double adjusted_p = 1;    // McNemar's exact p, by Holm where several comparisons are made at once
  Interval bootstrap = {};  // of the difference; whole groups are drawn
  int64_t groups = 0;

  double difference() const;  // second − first
  // Better or worse only if the adjusted p is below kSignificance and the bootstrap interval, which
  // knows that rows of a group are alike, is on the same side of 0.
  Finding finding() const;
};

// Pairs the answers by id. Throws Error(data) if they were not made in one way, or are not to the
// same questions with the same right answers, part, split method, seed and parser.
Comparison compare(const std::string& first_name, const AnswerSet& first,
                   const std::string& second_name, const AnswerSet& second);

// Sets adjusted_p of comparisons that are read together.
void adjust_together(const std::vector<Comparison*>& comparisons);

// One answer that costs nothing: what the best baseline scores on one row, 0 to 1 for a tie.
struct BaselineMark {
  std::string id = {};
  double expected = 0;
};

// A subject against the best baseline of a part.
struct BaselineTest {
  std::string subject = {};
  std::string part = {};
  std::string metric = {};
  std::string baseline = {};
  int64_t correct = 0;
  int64_t n = 0;
  double rate = 0;  // of the baseline
  double p = 1;     // exact binomial, two-sided
  std::optional<Interval> bootstrap =
      {};  // of the paired difference, where the baseline's marks are known

  double difference() const;
  Finding finding() const;  // both tests must agree, where there are both
};

}  // namespace telora
