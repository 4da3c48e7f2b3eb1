#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "scoring/baselines.h"
#include "scoring/majority.h"
#include "scoring/prediction.h"
#include "scoring/statistics.h"

namespace telora {

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

// Pairs the predictions by id; `right` says which answer counts. Throws Error(data) if the two
// lists are not of the same questions.
Comparison compare(std::string metric, std::string first_name, const std::vector<Prediction>& first,
                   std::string second_name, const std::vector<Prediction>& second,
                   bool Prediction::*right = &Prediction::correct);

// report.json; rates and intervals are written for readers and computed anew when it is read.
void write_report(const std::filesystem::path& path, const Report& report);
Report read_report(const std::filesystem::path& path);

// The before/after table as UTF-8 text, at most 100 columns: subjects × scores with count, Wilson
// interval and unparsed rate, the baselines, and the tests of each adapter against base and
// baseline.
std::string render_table(const Report& report);

}  // namespace telora
