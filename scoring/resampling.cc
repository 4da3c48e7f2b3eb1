#include "scoring/resampling.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/error.h"
#include "core/random.h"

namespace telora {

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

struct Cluster {
  double sum = 0;
  double size = 0;
};

// Clusters in the order of their first row.
std::vector<Cluster> gather(const CategoryValues& category) {
  const auto& [values, names] = category;
  if (!names.empty() && names.size() != values.size()) {
    fail(ErrorKind::kInternal, {.file = "resampling", .field = "clusters"},
         fmt::format("{} names", names.size()), fmt::format("{}", values.size()));
  }
  std::vector<Cluster> clusters;
  std::unordered_map<std::string_view, size_t> numbers;
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t next = clusters.size();
    const size_t at = names.empty() ? next : numbers.try_emplace(names[i], next).first->second;
    if (at == next) clusters.emplace_back();
    clusters[at].sum += values[i];
    clusters[at].size += 1;
  }
  return clusters;
}

double mean(std::span<const double> values) {
  if (values.empty()) return kNone;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// Uniform below `bound` without bias, from 32 bits where that suffices (Lemire, ACM Transactions on
// Modeling and Computer Simulation 2019): a bootstrap draws a hundred million of them.
uint32_t below(RandomStream& stream, uint32_t bound) {
  uint64_t product = uint64_t{stream.next_u32()} * bound;
  if (static_cast<uint32_t>(product) < bound) {
    const uint32_t threshold = (0U - bound) % bound;
    while (static_cast<uint32_t>(product) < threshold) {
      product = uint64_t{stream.next_u32()} * bound;
    }
  }
  return static_cast<uint32_t>(product >> 32);
}

double resampled_mean(const std::vector<Cluster>& clusters, RandomStream stream) {
  const auto count = static_cast<uint32_t>(clusters.size());
  Cluster drawn;
  for (uint32_t i = 0; i < count; ++i) {
    const Cluster& cluster = clusters[below(stream, count)];
    drawn.sum += cluster.sum;
    drawn.size += cluster.size;
  }
  return drawn.sum / drawn.size;
}

// Between the two neighbours in proportion, as numpy.quantile does by default.
double quantile(const std::vector<double>& ascending, double share) {
  const double at = share * static_cast<double>(ascending.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, ascending.size() - 1);
  return std::lerp(ascending[below], ascending[above], at - static_cast<double>(below));
}

}  // namespace

double clustered_standard_error(std::span<const double> values,
                                std::span<const std::string> clusters) {
  const std::vector<Cluster> sums = gather({values, clusters});
  if (sums.size() < 2) return kNone;
  const double centre = mean(values);
  double squares = 0;
  for (const auto& [sum, size] : sums) squares += (sum - size * centre) * (sum - size * centre);
  const auto count = static_cast<double>(sums.size());
  return std::sqrt(count / (count - 1) * squares) / static_cast<double>(values.size());
}

Interval mean_bootstrap(std::span<const double> values, std::span<const std::string> clusters,
                        const BootstrapOptions& options) {
  const CategoryValues one[] = {{values, clusters}};
  return macro_bootstrap(one, options);
}

Interval paired_bootstrap(std::span<const double> differences,
                          std::span<const std::string> clusters, const BootstrapOptions& options) {
  return mean_bootstrap(differences, clusters, options);
}

double macro_average(std::span<const CategoryValues> categories) {
  std::vector<double> means;
  for (const CategoryValues& category : categories) means.push_back(mean(category.values));
  return mean(means);
}

Interval macro_bootstrap(std::span<const CategoryValues> categories,
                         const BootstrapOptions& options) {
  std::vector<double> means(static_cast<size_t>(std::max(int64_t{1}, options.draws)));
  for (size_t c = 0; c < categories.size(); ++c) {
    const std::vector<Cluster> clusters = gather(categories[c]);
    if (clusters.empty()) return {kNone, kNone};
    const uint64_t key = stream_key(options.seed, fmt::format("bootstrap/{}", c).c_str());
    for (size_t draw = 0; draw < means.size(); ++draw) {
      // A draw has 2^32 positions of the stream to itself.
      means[draw] += resampled_mean(clusters, RandomStream(key, uint64_t{draw} << 32));
    }
  }
  if (categories.empty()) return {kNone, kNone};
  for (double& sum : means) sum /= static_cast<double>(categories.size());
  std::ranges::sort(means);
  return {quantile(means, 0.025), quantile(means, 0.975)};
}

}  // namespace telora
