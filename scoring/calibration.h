#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace telora {

// How sure a model was of its answer, and whether it was right.
struct ConfidentAnswer {
  double confidence = 0;  // 0 to 1
  bool correct = false;
};

// Greatest share in the softmax of the options' log-probabilities; nothing where there is no option
// or none has a finite one.
std::optional<double> confidence_of(std::span<const double> option_logprobs);

// Answers whose confidence lies in [low, high); the last bin has its upper end too.
struct ReliabilityBin {
  double low = 0;
  double high = 0;
  int64_t n = 0;
  int64_t correct = 0;
  double confidence = 0;  // mean of the bin
};

std::vector<ReliabilityBin> reliability(std::span<const ConfidentAnswer> answers, int bins = 10);

// Expected calibration error: mean over answers of |share right − mean confidence| of their bin
// (Guo et al., arXiv 1706.04599).
double calibration_error(std::span<const ReliabilityBin> bins);

// What remains if only answers of at least `threshold` confidence are given.
struct Coverage {
  double threshold = 0;
  int64_t answered = 0;
  int64_t wrong = 0;
  double risk() const {
    return answered == 0 ? 0 : static_cast<double>(wrong) / static_cast<double>(answered);
  }
};

// One point a confidence that occurs, from the surest answers to all of them; answers of equal
// confidence stand or fall together, so their order is without effect.
std::vector<Coverage> risk_coverage(std::span<const ConfidentAnswer> answers);

// At most `points` of a curve: those next to equally spaced counts of answers, and the last.
std::vector<Coverage> thinned(const std::vector<Coverage>& curve, size_t points);

// Area under the risk-coverage curve: the mean risk over all counts of answers (Geifman and
// El-Yaniv 2017). 0 if there is no answer.
double area_under_risk(const std::vector<Coverage>& curve);

// The point with most answers whose risk is at most `target` beyond doubt: the upper end of its
// Wilson interval is. Nothing if no threshold meets it.
std::optional<Coverage> meet_risk(const std::vector<Coverage>& curve, double target);

// What a threshold that was chosen on other answers does to these.
Coverage apply_threshold(std::span<const ConfidentAnswer> answers, double threshold);

}  // namespace telora
