#pragma once

#include <string>
#include <vector>

#include "scoring/report.h"

namespace telora {

struct PartPredictions {
  std::string part = {};  // train | validation | test
  std::vector<Prediction> predictions = {};
};

struct SubjectInputs {
  std::string name = {};
  std::vector<PartPredictions> parts = {};
  std::optional<Cost> cost = std::nullopt;
};

struct BaselineInputs {
  std::string part = {};
  std::vector<Baseline> baselines = {};
  // Of the best of them, one a row of the part, in any order; empty: not known, so subjects are
  // held against its rate only.
  std::vector<BaselineMark> marks = {};
};

// What a report is made of. Everything that is measured is computed from the predictions.
struct ReportInputs {
  std::string category = {};
  std::string backbone = {};
  std::map<std::string, std::string> digests = {};
  std::map<std::string, std::string> settings = {};
  std::string parser = {};
  std::string parser_version = {};
  std::string split_method = {};
  int64_t split_seed = 0;
  PartCounts rows = {};
  MajoritySettings majority = {};
  std::vector<SubjectInputs> subjects = {};  // the base first, if it was scored
  std::vector<BaselineInputs> baselines = {};
};

// The same inputs give the same report, whatever the order of the rows. Throws Error(data) where
// predictions are of another part, split or parser than the inputs say, have an id twice, or where
// subjects answered different questions; Error(usage) for a name or part that comes twice.
Report build_report(const ReportInputs& inputs);

}  // namespace telora
