#include "scoring/guards.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/error.h"

namespace telora {

namespace {

constexpr int64_t kFewestAnswers = 20;  // below, chance alone makes such histograms
constexpr double kConstantShare = 0.95;
constexpr double kMostVariation = 0.25;
constexpr double kManyUnparsed = 0.05;

std::string p_text(double p) {
  return p < 1e-4 ? fmt::format("p = {:.0e}", p) : fmt::format("p = {:.2g}", p);
}

std::string points_text(const Verdict& v) {
  const auto n = static_cast<double>(v.against_base.n);
  const auto net = static_cast<double>(v.against_base.only_second - v.against_base.only_first);
  return fmt::format("{:+.1f} points [{:+.1f}, {:+.1f}], {}", 100 * net / n, 100 * v.difference.low,
                     100 * v.difference.high, p_text(v.base_p));
}

std::string base_words(const Verdict& v) {
  if (v.better_than_base) return fmt::format("better than the base ({})", points_text(v));
  if (v.worse_than_base) return fmt::format("worse than the base ({})", points_text(v));
  std::string words = fmt::format("not distinguishable from the base ({})", points_text(v));
  if (v.items_to_tell > v.against_base.n) {
    words += fmt::format("; about {} questions would tell", v.items_to_tell);
  }
  return words;
}

std::string free_words(const Verdict& v, const Baseline& free, double rate) {
  const bool below = !v.better_than_free && rate < free.rate();
  const char* relation = v.better_than_free ? "better than"
                         : below            ? "not even as good as"
                                            : "not distinguishable from";
  return fmt::format("{} what costs nothing ({}, {:.1f} %; {})", relation, free.name,
                     100 * free.rate(), p_text(v.free_p));
}

std::string warning_words(const Verdict& v) {
  std::string words;
  if (v.collapse.raised && v.collapse.share >= kConstantShare) {
    words += fmt::format("; {:.0f} % of its answers are {}", 100 * v.collapse.share,
                         printable(v.collapse.answer, 40));
  } else if (v.collapse.raised) {
    words += fmt::format("; its answers are distributed unlike the right ones (distance {:.2f})",
                         v.collapse.variation);
  }
  if (v.unparsed > kManyUnparsed) {
    words += fmt::format("; {:.1f} % of its answers were not understood", 100 * v.unparsed);
  }
  return words;
}

std::string sentence(const Verdict& v, const Baseline& free, double rate) {
  const bool agree = v.better_than_base == v.better_than_free;
  return fmt::format("{}: {}, {} {}{}", v.improvement() ? "an improvement" : "not an improvement",
                     base_words(v), agree ? "and" : "but", free_words(v, free, rate),
                     warning_words(v));
}

}  // namespace

Collapse find_collapse(const std::vector<Prediction>& predictions) {
  std::map<std::string, int64_t> given, right;
  int64_t understood = 0;
  for (const Prediction& p : predictions) {
    ++right[p.gold];
    if (p.predicted.empty()) continue;
    ++given[p.predicted];
    ++understood;
  }
  if (understood == 0) return {};
  const auto share = [](int64_t count, int64_t all) {
    return static_cast<double>(count) / static_cast<double>(all);
  };
  Collapse collapse;
  for (const auto& [answer, count] : given) {
    // What is given more often than it is right; what is given less often sums up to the same.
    const double surplus =
        share(count, understood) - share(right[answer], static_cast<int64_t>(predictions.size()));
    collapse.variation += std::max(0.0, surplus);
    if (share(count, understood) <= collapse.share) continue;
    collapse.answer = answer;
    collapse.share = share(count, understood);
  }
  const bool open = std::ranges::any_of(predictions, [](const auto& p) { return p.options == 0; });
  collapse.raised =
      !open && understood >= kFewestAnswers &&
      (collapse.share >= kConstantShare || collapse.variation > kMostVariation + 1e-9);
  return collapse;
}

double unparsed_rate(const std::vector<Prediction>& predictions) {
  if (predictions.empty()) return 0;
  const auto unparsed = std::ranges::count(predictions, false, &Prediction::parsed);
  return static_cast<double>(unparsed) / static_cast<double>(predictions.size());
}

Verdict judge(const NamedPredictions& base, const NamedPredictions& adapter, const Baseline& free,
              double alpha) {
  Verdict v{.against_base = pair_predictions(base, adapter).counts};
  const PairedCounts& counts = v.against_base;
  if (free.n != counts.n || counts.n == 0) {
    fail(ErrorKind::kData, {.file = free.name, .field = "rows"}, fmt::format("{}", free.n),
         fmt::format("the {} of {}, at least one", counts.n, adapter.name));
  }
  const int64_t right = counts.both + counts.only_second;
  const double rate = static_cast<double>(right) / static_cast<double>(counts.n);
  v.base_p = mcnemar(counts).exact;
  v.difference = paired_interval(counts);
  v.free_p = binomial_two_sided(right, counts.n, free.rate());
  v.better_than_base = v.base_p < alpha && counts.only_second > counts.only_first;
  v.worse_than_base = v.base_p < alpha && counts.only_second < counts.only_first;
  v.better_than_free = v.free_p < alpha && rate > free.rate();
  if (v.base_p >= alpha) v.items_to_tell = items_to_tell(counts, alpha);
  v.collapse = find_collapse(adapter.predictions);
  v.unparsed = unparsed_rate(adapter.predictions);
  v.sentence = sentence(v, free, rate);
  return v;
}

}  // namespace telora
