#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scoring/calibration.h"
#include "scoring/prediction.h"
#include "scoring/repeated.h"

namespace telora {

// A score with what tells how far to trust it.
struct Metric {
  Score score = {};
  std::optional<double> clustered_error = {};  // standard error over groups; none below two groups
  std::optional<double> skill = {};  // (A − A₀) / (1 − A₀); none without baselines
};

// A letter question asked with its options in every order that was asked for.
struct RotationResult {
  std::string metric = {};  // kGenerated or kSelection
  int64_t n = 0;            // questions
  int64_t answers = 0;      // questions times orders, the original order included
  int64_t correct = 0;      // of the answers
  int64_t right_in_all = 0;
  int64_t same_in_all = 0;  // the same option, right or wrong
  double rate() const {
    return answers == 0 ? 0 : static_cast<double>(correct) / static_cast<double>(answers);
  }
};

// How often one letter or class was right and how often it was given.
struct AnswerCount {
  std::string answer = {};
  int64_t gold = 0;
  int64_t predicted = 0;
};

struct AnswerHistogram {
  std::string metric = {};
  std::vector<AnswerCount> answers = {};  // by name
  int64_t unparsed = 0;
  double total_variation = 0;  // between the shares of gold and of what was understood
  std::string largest = {};    // the commonest answer
  double largest_share = 0;    // of it among those understood
  bool collapsed = false;      // see scoring/guards.h
};

// Gold in rows, answers in columns; the last column counts what was not understood.
struct ClassResult {
  std::string metric = {};
  std::vector<std::string> classes = {};  // by name
  std::vector<std::vector<int64_t>> counts = {};
  double macro_f1() const;  // mean F1 of the classes that occur; one that is never found has 0
};

// Which risk a threshold of confidence keeps.
struct RiskTarget {
  double target = 0;
  std::optional<Coverage> kept = {};  // nothing: no threshold meets it
};

struct CalibrationResult {
  int64_t n = 0;
  std::vector<ReliabilityBin> bins = {};
  std::vector<Coverage> curve = {};  // thinned
  double area_under_risk = 0;
  std::string chosen_on =
      {};  // the part whose answers chose the thresholds: validation, or this one
  std::vector<RiskTarget> targets = {};
};

// A wrong answer that the model was sure of.
struct Mistake {
  std::string id = {};
  std::string gold = {};
  std::string answer = {};                // empty = not understood
  std::optional<double> confidence = {};  // nothing where the options were not scored
  std::string output = {};                // what was generated, cut
};

// One subject on one part.
struct PartResult {
  std::string part = {};
  int64_t n = 0;
  int64_t groups = 0;
  std::vector<Metric> metrics = {};
  std::optional<RepeatedScores> repeated = {};
  std::vector<RotationResult> rotations = {};
  std::vector<AnswerHistogram> histograms = {};  // none where answers are open
  std::vector<ClassResult> classes = {};         // only where answers are classes
  std::optional<CalibrationResult> calibration = {};
  std::vector<Mistake> mistakes = {};  // the surest first
};

// Null where it was not measured.
const Metric* find_metric(const PartResult& part, const std::string& metric);

// Everything that one part's predictions of one subject say; `free` is A₀. `on_validation` choose
// the thresholds of confidence where they are given; else the part's own do. Rows in any order give
// the same result. Throws Error(data) as answer_sets() does.
PartResult score_part(const std::string& part, std::vector<Prediction> predictions,
                      std::optional<double> free,
                      const std::vector<Prediction>* on_validation = nullptr);

}  // namespace telora
