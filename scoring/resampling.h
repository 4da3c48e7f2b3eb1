#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "scoring/statistics.h"

namespace telora {

// In all of these `clusters` holds the group of each value; empty: every value stands alone. Lists
// of different lengths throw Error(internal).

// sqrt(C/(C − 1) · Σ over clusters (Σ within (x − mean))²) / N, the form that Inspect AI prints:
// the standard error of a mean of values that are alike within C clusters. NaN below two clusters.
double clustered_standard_error(std::span<const double> values,
                                std::span<const std::string> clusters);

struct BootstrapOptions {
  int64_t draws = 10'000;  // at least 1
  uint64_t seed = 42;
};

// Middle 95 % of the means of `draws` samples with replacement (percentile bootstrap; quantiles are
// interpolated between neighbours). With clusters whole clusters are drawn, and a mean is over the
// rows drawn. The same numbers on every machine. NaN bounds without values.
Interval mean_bootstrap(std::span<const double> values, std::span<const std::string> clusters,
                        const BootstrapOptions& options);

// The same for differences, second − first, of two systems on the same items.
Interval paired_bootstrap(std::span<const double> differences,
                          std::span<const std::string> clusters, const BootstrapOptions& options);

// The values of one category, or their differences.
struct CategoryValues {
  std::span<const double> values;
  std::span<const std::string> clusters = {};
};

// Mean of the categories' means, each with the same weight. NaN without categories.
double macro_average(std::span<const CategoryValues> categories);

// Its bootstrap interval: each category is resampled by itself.
Interval macro_bootstrap(std::span<const CategoryValues> categories,
                         const BootstrapOptions& options);

}  // namespace telora
