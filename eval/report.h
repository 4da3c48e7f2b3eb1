#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "eval/baselines.h"
#include "eval/majority.h"
#include "eval/statistics.h"

namespace telora {

inline constexpr const char* kSelection = "selection accuracy";
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
};

// Everything measured on one model: "base", "adapter".
struct Subject {
  std::string name;
  std::vector<Score> scores;
};

// Two subjects on the same questions.
struct Comparison {
  std::string metric;
  std::string first;
  std::string second;
  PairedCounts counts;
};

struct PartCounts {
  int64_t training = 0;
  int64_t validation = 0;
  int64_t test = 0;
};

// What report.json holds and the before/after table shows.
struct Report {
  std::string category;
  std::string backbone;
  std::string parser;        // name of the answer parser
  std::string split_method;  // group | sk | py | hf
  int64_t split_seed = 0;
  PartCounts rows;
  std::string part = "test";  // the part that was scored
  MajoritySettings majority;  // samples = 0: no vote was taken
  std::vector<Subject> subjects;
  std::vector<Baseline> baselines;
  std::vector<Comparison> comparisons;
};

// One of the answers that a vote is taken of.
struct Sample {
  std::string output = {};
  std::string predicted = {};  // empty = not understood
};

// One line of predictions.jsonl. `predicted`, `correct` and `parsed` speak of the generated answer;
// where nothing was generated (`output` empty), of the option with the greatest log-probability.
struct Prediction {
  std::string id = {};
  std::string split = {};
  std::string gold = {};       // letter or class name
  std::string predicted = {};  // empty = not understood
  bool correct = false;
  bool parsed = false;
  std::vector<double> option_logprobs = {};  // natural logarithms, in the order of the options
  std::optional<std::string> output = std::nullopt;
  std::vector<Sample> samples = {};  // in the order in which they were drawn; empty: no vote
  std::string voted = {};            // the majority's answer; empty = no sample was understood
  bool voted_correct = false;
};

Score tally(std::string name, const std::vector<Prediction>& predictions, bool count_unparsed);
// Maj@k; a vote is unparsed where no sample was understood.
Score tally_votes(std::string name, const std::vector<Prediction>& predictions);

// Pairs the predictions by id; `right` says which answer counts. Throws Error(data) if the two
// lists are not of the same questions.
Comparison compare(std::string metric, std::string first_name, const std::vector<Prediction>& first,
                   std::string second_name, const std::vector<Prediction>& second,
                   bool Prediction::*right = &Prediction::correct);

// predictions.jsonl. Reading throws Error(data) with the line; a log-probability of −infinity is
// null.
void write_predictions(const std::filesystem::path& path,
                       const std::vector<Prediction>& predictions);
std::vector<Prediction> read_predictions(const std::filesystem::path& path);

// report.json; rates and intervals are written for readers and computed anew when it is read.
void write_report(const std::filesystem::path& path, const Report& report);
Report read_report(const std::filesystem::path& path);

// The before/after table as UTF-8 text, at most 100 columns: subjects × scores with count, Wilson
// interval and unparsed rate, the baselines, and the tests of each adapter against base and
// baseline.
std::string render_table(const Report& report);

}  // namespace telora
