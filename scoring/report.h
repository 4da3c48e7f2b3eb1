#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "scoring/baselines.h"
#include "scoring/comparison.h"
#include "scoring/cost.h"
#include "scoring/majority.h"
#include "scoring/part_result.h"
#include "scoring/prediction.h"

namespace telora {

// The subject that the others are compared with, if there is one of this name.
inline constexpr const char* kBaseName = "base";

// How much better one subject does on the rows that its adapter was trained on.
struct SeenGap {
  std::string metric = {};
  Score seen = {};    // of the training part
  Score unseen = {};  // of the test part
  double difference() const { return seen.rate() - unseen.rate(); }
  // Newcombe's, for independent proportions: the two parts have no row in common.
  Interval interval() const { return newcombe(seen.correct, seen.n, unseen.correct, unseen.n); }
};

// Everything measured on one model: "base", "adapter".
struct Subject {
  std::string name = {};
  std::vector<PartResult> parts = {};  // test, validation, train: those that were scored
  std::vector<SeenGap> gaps = {};      // empty unless train and test were scored
  std::optional<Cost> cost = {};
};

struct PartCounts {
  int64_t training = 0;
  int64_t validation = 0;
  int64_t test = 0;
};

// What costs nothing, on one part.
struct PartBaselines {
  std::string part = {};
  std::vector<Baseline> baselines = {};
};

// What a reader is told about one subject, on the part that says most.
struct SubjectVerdict {
  std::string subject = {};
  std::string part = {};    // test if it was scored
  std::string metric = {};  // kGenerated, or kSelection where nothing was generated
  std::optional<Finding> against_base = {};  // nothing for the base itself
  std::optional<Finding> against_free = {};  // against A₀; nothing without baselines
  bool improvement = false;  // beats the base and what costs nothing, and is no constant
  std::string text = {};     // the same as one sentence
  std::vector<std::string> warnings = {};  // what makes the number less than it seems
};

// What report.json holds, and what table and page show.
struct Report {
  std::string category = {};
  std::string backbone = {};
  std::map<std::string, std::string> digests = {};   // SHA-256 of data, split, backbone, adapters
  std::map<std::string, std::string> settings = {};  // device, precision, template, …
  std::string parser = {};                           // name of the answer parser
  std::string parser_version = {};                   // what it stands for, in words
  std::string split_method = {};                     // group | sk | py | hf
  int64_t split_seed = 0;
  PartCounts rows = {};
  MajoritySettings majority = {};  // samples = 0: no vote was taken
  std::vector<Subject> subjects = {};
  std::vector<PartBaselines> baselines = {};
  std::vector<BaselineTest> baseline_tests = {};
  std::vector<Comparison> comparisons = {};
  std::vector<SubjectVerdict> verdicts = {};
};

// The best of a part's baselines, which is what costs nothing (A₀); null if there is none.
const Baseline* best_baseline(const Report& report, const std::string& part);
// Null where the report does not have it.
const PartResult* find_part(const Report& report, const std::string& subject,
                            const std::string& part);
const Score* find_score(const Report& report, const std::string& subject, const std::string& part,
                        const std::string& metric);
// The part that a reader is shown first: test, else validation, else train, of those scored.
std::string main_part(const Report& report);

// Of a subject whose cost was measured: its first score on the main part against what costs nothing
// there. Nothing if it has none.
std::optional<EdgeScore> edge_score_of(const Report& report, const Subject& subject);

// Rows of the part in the split.
int64_t part_rows(const Report& report, const std::string& part);

// report.json, schema version 2 (docs/report.md). What follows from counts is written for readers
// and computed anew when it is read. read_report throws Error(data) for what is not such a file, a
// version from before or after included.
void write_report(const std::filesystem::path& path, const Report& report);
Report read_report(const std::filesystem::path& path);

// The console's table as UTF-8 text, at most 100 columns: subjects × scores with count, Wilson
// interval, skill and unparsed rate, what costs nothing, seen against unseen, the paired tests, the
// warnings, and last the verdict in words.
std::string render_table(const Report& report);

}  // namespace telora
