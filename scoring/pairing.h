#pragma once

#include <string>
#include <vector>

#include "scoring/prediction.h"
#include "scoring/statistics.h"

namespace telora {

// The predictions of one subject and its name for messages ("base", an adapter's folder, a file).
struct NamedPredictions {
  std::string name;
  const std::vector<Prediction>& predictions;
};

// Two subjects on the same questions, whatever the order in which each answered them.
struct PairedMarks {
  PairedCounts counts = {};
  std::vector<double> differences = {};  // second − first: 1, 0 or −1, in the first's order
  std::vector<std::string> groups = {};  // of the questions, for resampling and clustered errors
};

// `right` says which answer counts. Throws Error(data) unless both hold the same ids, each once,
// with the same right answers, split and parser.
PairedMarks pair_predictions(const NamedPredictions& first, const NamedPredictions& second,
                             bool Prediction::*right = &Prediction::correct);

}  // namespace telora
