#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scoring/baselines.h"
#include "scoring/pairing.h"
#include "scoring/prediction.h"
#include "scoring/statistics.h"

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

// Share of the answers that were not understood; 0 without predictions.
double unparsed_rate(const std::vector<Prediction>& predictions);

// What may be said of an adapter.
struct Verdict {
  PairedCounts against_base = {};  // first: the base
  double base_p = 1;               // exact McNemar
  Interval difference = {};        // adapter − base, paired, 95 %
  int64_t items_to_tell = 0;  // questions that would settle it where it is not settled; 0: none
  double free_p = 1;          // exact binomial test, two-sided, of the adapter against A₀
  bool better_than_base = false;
  bool worse_than_base = false;
  bool better_than_free = false;
  Collapse collapse = {};
  double unparsed = 0;
  std::string sentence = {};  // all of it in plain words, without a full stop

  // The only case in which an adapter may be called an improvement.
  bool improvement() const { return better_than_base && better_than_free && !collapse.raised; }
};

// `free` is A₀, the best of the baselines on the same rows. Tests are made at the level `alpha`.
// Throws Error(data) where the three are not of the same questions.
Verdict judge(const NamedPredictions& base, const NamedPredictions& adapter, const Baseline& free,
              double alpha = 0.05);

}  // namespace telora
