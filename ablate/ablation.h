#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ablate/plan_file.h"
#include "ablate/sweep_folder.h"
#include "scoring/comparison.h"
#include "scoring/prediction.h"

namespace telora {

// An evaluation of a run on its validation part.
struct CurvePoint {
  int64_t step = 0;
  double loss = 0;
  std::optional<double> value = {};  // of the selection metric
};

struct AblationRun {
  std::string name = {};
  std::vector<std::pair<std::string, std::string>> values = {};  // of the axes
  RunState state = RunState::kNone;
  std::string failure = {};           // one line, where it failed
  std::optional<Score> score = {};    // on the test part; nothing where it was not scored
  std::vector<Prediction> rows = {};  // its answers, by id
  std::vector<CurvePoint> curve = {};
  int64_t adapter_bytes = 0;
  int64_t parameters = 0;
  double train_seconds = 0;
  double tokens_per_second = 0;
  int64_t peak_rss_bytes = 0;
  int64_t steps = 0, best_step = 0;
  bool stopped_early = false;
};

// Runs that differ in their seeds alone.
struct AblationGroup {
  std::string name = {};                                         // "rank 8"
  std::vector<std::pair<std::string, std::string>> values = {};  // without the seed
  std::vector<size_t> runs = {};                                 // those that were scored
  double accuracy = 0;                                           // mean over the seeds
  Interval interval = {};  // Wilson's, over the questions: more seeds do not make more of them
  double lowest = 0, highest = 0;  // of the seeds
  double adapter_bytes = 0;        // mean, as the others
  double train_seconds = 0;
  bool on_front = false;  // none is at most as large and better, or smaller and as good
};

// Two groups on the same questions: each question's difference is that of its mean over the seeds.
struct AblationPair {
  size_t first = 0, second = 0;  // groups
  double difference = 0;         // second − first
  Interval interval = {};        // bootstrap over groups of related questions
  // One seed each: McNemar's exact test. Several: mean over its clustered standard error, normal.
  double p = 1;
  double adjusted_p = 1;  // Holm over all pairs
  Finding finding() const;
};

struct Ablation {
  std::string category = {}, backbone = {};
  std::string metric = {};  // kGenerated, or kSelection where nothing was generated
  int64_t questions = 0;
  std::vector<AblationRun> runs = {};
  std::vector<AblationGroup> groups = {};  // in the plan's order
  std::vector<AblationPair> pairs = {};    // every two groups
  std::string free_name = {};              // what costs nothing: the best of it
  std::optional<double> free_rate = {};
  std::optional<size_t> best = {};      // group of the greatest accuracy, the first of equals
  std::optional<size_t> smallest = {};  // the smallest that is not distinguishable from it
  double detectable = 0;      // difference that a test of two groups would find four times in five
  std::string sentence = {};  // what to do, and what the data cannot tell
};

// Reads what the runs of a sweep's folder have left. Numbers are computed from predictions.jsonl.
// Throws Error(data) for files that cannot be read or are not of the same questions.
Ablation read_ablation(const std::filesystem::path& folder, const Plan& plan);

// The pair of two groups, whichever comes first.
const AblationPair& pair_of(const Ablation& ablation, size_t a, size_t b);

}  // namespace telora
