#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "scoring/statistics.h"

namespace telora {

inline constexpr const char* kSelection = "selection accuracy";
inline constexpr const char* kSelectionByLength = "selection by length";
inline constexpr const char* kGenerated = "generated pass@1";

// How often one way of answering was right.
struct Score {
  std::string name;  // kSelection, kGenerated, majority_name(4), …
  int64_t correct = 0;
  int64_t n = 0;
  std::optional<int64_t> unparsed = std::nullopt;  // answers not understood (wrong too); none where
                                                   // nothing is parsed
  double rate() const { return n == 0 ? 0 : static_cast<double>(correct) / static_cast<double>(n); }
  Interval interval() const { return wilson(correct, n); }
  double unparsed_rate() const {
    return n == 0 ? 0 : static_cast<double>(unparsed.value_or(0)) / static_cast<double>(n);
  }
};

// One of the answers that a vote is taken of.
struct Sample {
  std::string output = {};
  std::string predicted = {};  // empty = not understood
  bool correct = false;
};

// The same completion read by a parser other than the category's official one.
struct Reading {
  std::string parser = {};
  std::string predicted = {};  // empty = not understood
  bool correct = false;
};

// A letter question asked again with its options moved on by `shift` places; letters are those of
// the unmoved question.
struct Rotation {
  int64_t shift = 0;
  std::string selected = {};   // option with the greatest log-probability; empty: not scored
  std::string predicted = {};  // empty = not understood
  std::optional<std::string> output = std::nullopt;
};

// One line of predictions.jsonl. `predicted`, `correct` and `parsed` speak of the generated answer;
// where nothing was generated (`output` empty), of the option with the greatest log-probability.
struct Prediction {
  std::string id = {};
  std::string split = {};         // train | validation | test
  std::string split_method = {};  // group | sk | py | hf
  int64_t split_seed = 0;
  std::string parser = {};     // name of the parser of `predicted`, samples and rotations
  std::string group = {};      // rows of one group are not independent
  int64_t options = 0;         // number of options or classes; 0: the answer is open
  std::string gold = {};       // letter, class name or number
  std::string predicted = {};  // empty = not understood
  bool correct = false;
  bool parsed = false;
  std::vector<double> option_logprobs = {};  // natural logarithms, in the order of the options
  std::string selected = {};  // option with the greatest log-probability; empty: not scored
  std::string selected_by_length = {};  // the same after division by the option text's bytes
  std::optional<std::string> output = std::nullopt;
  std::vector<Reading> readings = {};    // of `output`
  std::vector<Rotation> rotations = {};  // empty: the options stood in one order only
  std::vector<Sample> samples = {};      // in the order in which they were drawn; empty: no vote
  std::string voted = {};                // the majority's answer; empty = no sample was understood
  bool voted_correct = false;
};

Score tally(std::string name, const std::vector<Prediction>& predictions, bool count_unparsed);

// How often the right option had the greatest log-probability; 0 without rows.
double selection_accuracy(const std::vector<Prediction>& predictions);

// Mean over the right answers that occur of how often rows with it were selected rightly (macro
// recall): a constant answer has 1 / answers. 0 without rows.
double balanced_accuracy(const std::vector<Prediction>& predictions);

// predictions.jsonl. Reading throws Error(data) with the line; a log-probability of −infinity is
// null.
void write_predictions(const std::filesystem::path& path,
                       const std::vector<Prediction>& predictions);
std::vector<Prediction> read_predictions(const std::filesystem::path& path);

}  // namespace telora
