#pragma once

#include <cstdint>
#include <vector>

#include "scoring/prediction.h"

namespace telora {

// What k answers drawn to each question say. All rates are means over the same n questions.
struct RepeatedScores {
  int64_t k = 0;
  int64_t n = 0;
  double greedy = 0;         // pass@1: Prediction::correct
  double pass_direct = 0;    // right at least once among the first k samples
  double pass_unbiased = 0;  // the same expected of k samples, estimated from all that were drawn
  double majority = 0;       // Maj@k of the first k; an answer not understood has no vote
  double chance_pass = 0;  // pass@k of guessing among the options; an open answer is never guessed
  double gap = 0;          // Δk on matched questions: pass_direct − greedy
  double chance_gap = 0;   // Δk of guessing
  double consistency = 0;  // mean share of the k samples that the most frequent answer has; an
                           // answer not understood is no answer
  double flip_rate = 0;    // share of questions whose k samples are not all equal
  double selection_efficiency = 0;  // Maj@k / pass_direct: how much of what is sampled the vote
                                    // finds; NaN if nothing right was sampled
};

// Throws Error(usage) for k below 1, Error(data) naming the first question with fewer than k
// samples.
RepeatedScores repeated_scores(const std::vector<Prediction>& predictions, int64_t k);

// One value a question, in their order, for intervals (scoring/resampling.h). They throw as above.
std::vector<double> pass_marks(const std::vector<Prediction>& predictions, int64_t k);  // direct
std::vector<double> majority_marks(const std::vector<Prediction>& predictions, int64_t k);

// 1 − C(n − c, k) / C(n, k): the chance that k of n samples, c of them right, hold a right one
// (Chen et al., arXiv 2107.03374).
double pass_at_k(int64_t n, int64_t c, int64_t k);

// 1 − (1 − 1/options)^k; 0 for an open answer (0 options).
double chance_pass_at_k(int64_t options, int64_t k);

}  // namespace telora
