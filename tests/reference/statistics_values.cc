// Answers a list of questions about scoring/statistics, for statistics_reference.py:
//   statistics_values FILE
// FILE holds a JSON array of {"ask": NAME, ...}; prints a JSON array with a list of numbers each.
#include <fmt/format.h>

#include <cstdio>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"
#include "data/grouping.h"
#include "scoring/repeated.h"
#include "scoring/resampling.h"
#include "scoring/statistics.h"

namespace telora {
namespace {

using Json = nlohmann::json;
using Numbers = std::vector<double>;

int64_t integer(const Json& ask, const char* key) { return ask.at(key).get<int64_t>(); }
double number(const Json& ask, const char* key) { return ask.at(key).get<double>(); }
Numbers numbers(const Interval& interval) { return {interval.low, interval.high}; }

// "table": right by both, by the first alone, by the second alone, by neither.
PairedCounts table(const Json& ask) {
  const auto cells = ask.at("table").get<std::vector<int64_t>>();
  return {.only_first = cells.at(1),
          .only_second = cells.at(2),
          .n = cells.at(0) + cells.at(1) + cells.at(2) + cells.at(3),
          .both = cells.at(0)};
}

Numbers binomial(const Json& ask) {
  const int64_t k = integer(ask, "k"), n = integer(ask, "n");
  const double p = number(ask, "p");
  return {binomial_two_sided(k, n, p), binomial_at_least(k, n, p), binomial_at_most(k, n, p),
          binomial_point(k, n, p)};
}

Numbers paired(const Json& ask) {
  const PairedCounts counts = table(ask);
  const McNemar test = mcnemar(counts);
  const Interval interval = paired_interval(counts);
  return {test.exact, test.mid, interval.low, interval.high,
          static_cast<double>(items_to_tell(counts))};
}

const std::map<std::string, std::function<Numbers(const Json&)>>& answers() {
  static const std::map<std::string, std::function<Numbers(const Json&)>> kAnswers = {
      {"wilson", [](const Json& a) { return numbers(wilson(integer(a, "k"), integer(a, "n"))); }},
      {"newcombe",
       [](const Json& a) {
         return numbers(
             newcombe(integer(a, "k1"), integer(a, "n1"), integer(a, "k2"), integer(a, "n2")));
       }},
      {"binomial", binomial},
      {"paired", paired},
      {"clustered",
       [](const Json& a) {
         return Numbers{clustered_standard_error(a.at("values").get<Numbers>(),
                                                 a.at("clusters").get<std::vector<std::string>>())};
       }},
      {"standard_error",
       [](const Json& a) { return Numbers{standard_error(integer(a, "k"), integer(a, "n"))}; }},
      {"holm", [](const Json& a) { return holm(a.at("p").get<Numbers>()); }},
      {"quantile", [](const Json& a) { return Numbers{normal_quantile(number(a, "p"))}; }},
      {"bootstrap",
       [](const Json& a) {
         return numbers(mean_bootstrap(a.at("values").get<Numbers>(), {}, {}));
       }},
      {"pass_at_k",
       [](const Json& a) {
         return Numbers{pass_at_k(integer(a, "n"), integer(a, "c"), integer(a, "k"))};
       }},
      {"effective",
       [](const Json& a) {
         return Numbers{effective_sample_size(a.at("sizes").get<std::vector<size_t>>())};
       }},
  };
  return kAnswers;
}

}  // namespace
}  // namespace telora

int main(int argc, char** argv) {
  if (argc != 2) return 64;
  try {
    auto out = telora::Json::array();
    for (const telora::Json& ask : telora::Json::parse(telora::read_text(argv[1]))) {
      out.push_back(telora::answers().at(ask.at("ask").get<std::string>())(ask));
    }
    fmt::print("{}\n", out.dump());
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 70;
  }
}
