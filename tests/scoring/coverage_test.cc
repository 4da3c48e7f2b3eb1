// Simulated experiments whose truth is known: a 95 % interval must hold it in 93 to 97 of 100. The
// sizes are those of the benchmark parts, and the rates are far from 0 and 1: with few right or
// wrong answers counts are so coarse that no interval of a proportion keeps its level everywhere.
// 2,000 experiments have a standard error of half a point, so 2 points are 4 of them.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "core/random.h"
#include "scoring/resampling.h"
#include "scoring/statistics.h"

namespace telora {
namespace {

constexpr int kExperiments = 2000;

// Percent of the experiments whose interval holds the truth.
double coverage(const char* name, double truth,
                const std::function<Interval(RandomStream&)>& experiment) {
  int held = 0;
  for (int i = 0; i < kExperiments; ++i) {
    RandomStream stream(stream_key(static_cast<uint64_t>(i), name));
    const Interval interval = experiment(stream);
    held += interval.low <= truth && truth <= interval.high;
  }
  return 100.0 * held / kExperiments;
}

void expect_nominal(double percent) {
  EXPECT_GE(percent, 93);
  EXPECT_LE(percent, 97);
}

int64_t successes(RandomStream& stream, int64_t n, double p) {
  int64_t count = 0;
  for (int64_t i = 0; i < n; ++i) count += stream.next_unit() < p;
  return count;
}

TEST(Coverage, Wilson) {
  for (const double p : {0.25, 0.45, 0.75}) {
    expect_nominal(coverage(
        "wilson", p, [&](RandomStream& stream) { return wilson(successes(stream, 400, p), 400); }));
  }
}

TEST(Coverage, Newcombe) {
  expect_nominal(coverage("newcombe", 0.1, [](RandomStream& stream) {
    const int64_t seen = successes(stream, 1200, 0.6);
    return newcombe(seen, 1200, successes(stream, 300, 0.5), 300);
  }));
}

// Newcombe's paired interval errs on the wide side where both marks agree often, so the systems
// here disagree on two questions of five.
TEST(Coverage, Paired) {
  expect_nominal(coverage("paired", 0.1, [](RandomStream& stream) {
    PairedCounts counts{.n = 300};
    for (int64_t i = 0; i < counts.n; ++i) {
      const double u = stream.next_unit();
      counts.both += u < 0.4;
      counts.only_first += u >= 0.4 && u < 0.55;
      counts.only_second += u >= 0.55 && u < 0.8;
    }
    return paired_interval(counts);
  }));
}

// The percentile interval of a mean is first-order right: with 300 values it is short by a few
// tenths of a point.
TEST(Coverage, BootstrapOfItems) {
  expect_nominal(coverage("items", 0.1, [](RandomStream& stream) {
    std::vector<double> differences;
    for (int i = 0; i < 300; ++i) {
      const double u = stream.next_unit();
      differences.push_back(u < 0.15 ? -1 : u < 0.4 ? 1 : 0);
    }
    return paired_bootstrap(differences, {}, {.draws = 400});
  }));
}

struct Clustered {
  std::vector<double> marks;
  std::vector<std::string> clusters;
};

// 150 groups of 1 to 8 rows. A group is easy or hard, so its rows are right together; sizes do not
// depend on that, so the mean over rows is 0.5.
Clustered clustered_marks(RandomStream& stream) {
  Clustered rows;
  for (int group = 0; group < 150; ++group) {
    const double p = stream.next_unit() < 0.5 ? 0.15 : 0.85;
    const uint64_t size = 1 + stream.below(8);
    for (uint64_t i = 0; i < size; ++i) {
      rows.marks.push_back(stream.next_unit() < p ? 1 : 0);
      rows.clusters.push_back(std::to_string(group));
    }
  }
  return rows;
}

Interval around_mean(const std::vector<double>& marks, double error) {
  double sum = 0;
  for (const double mark : marks) sum += mark;
  const double mean = sum / static_cast<double>(marks.size());
  return {mean - kZ95 * error, mean + kZ95 * error};
}

TEST(Coverage, ClusteredStandardError) {
  expect_nominal(coverage("clustered", 0.5, [](RandomStream& stream) {
    const Clustered rows = clustered_marks(stream);
    return around_mean(rows.marks, clustered_standard_error(rows.marks, rows.clusters));
  }));
}

TEST(Coverage, RowsTakenAsIndependentAreNotCovered) {
  EXPECT_LT(coverage("clustered", 0.5,
                     [](RandomStream& stream) {
                       const Clustered rows = clustered_marks(stream);
                       return around_mean(rows.marks, clustered_standard_error(rows.marks, {}));
                     }),
            85);
}

TEST(Coverage, BootstrapOfGroups) {
  expect_nominal(coverage("groups", 0.5, [](RandomStream& stream) {
    const Clustered rows = clustered_marks(stream);
    return mean_bootstrap(rows.marks, rows.clusters, {.draws = 400});
  }));
}

}  // namespace
}  // namespace telora
