#pragma once

#include <string>
#include <vector>

#include "scoring/prediction.h"

namespace telora {

// Whether the answers are those of a constant, or of a habit of position, rather than of a reader.
struct Collapse {
  bool raised = false;
  std::string answer = {};  // the one given most often; empty: none was understood
  double share = 0;         // of it among the understood answers
  double variation = 0;  // total variation distance of given and right answers' histograms, 0 to 1
};

// Raised where one answer takes 95 % of those understood, or where the histograms differ by more
// than 0.25; never below 20 understood answers, nor where answers are open (0 options).
Collapse find_collapse(const std::vector<Prediction>& predictions);

}  // namespace telora
