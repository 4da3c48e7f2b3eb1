#include "scoring/pairing.h"

#include <fmt/format.h>

#include <string_view>
#include <unordered_map>

#include "core/error.h"

namespace telora {

namespace {

using Index = std::unordered_map<std::string_view, const Prediction*>;

Index index_by_id(const NamedPredictions& subject) {
  Index index;
  for (const Prediction& prediction : subject.predictions) {
    if (index.emplace(prediction.id, &prediction).second) continue;
    fail(ErrorKind::kData, {.file = subject.name, .field = "id"},
         printable(prediction.id) + " twice", "each question once");
  }
  return index;
}

std::string split_of(const Prediction& p) {
  return fmt::format("part {} of split {} with seed {}", p.split, p.split_method, p.split_seed);
}

void require_equal(const NamedPredictions& second, const char* field, const std::string& found,
                   const NamedPredictions& first, const std::string& wanted) {
  if (found == wanted) return;
  fail(ErrorKind::kData, {.file = second.name, .field = field}, printable(found, 80),
       fmt::format("{} as in {}", printable(wanted, 80), first.name),
       "score both on the same rows with the same parser");
}

}  // namespace

PairedMarks pair_predictions(const NamedPredictions& first, const NamedPredictions& second,
                             bool Prediction::*right) {
  const Index index = index_by_id(second);
  if (index.size() != first.predictions.size()) {
    fail(ErrorKind::kData, {.file = second.name, .field = "rows"}, fmt::format("{}", index.size()),
         fmt::format("the {} of {}", first.predictions.size(), first.name),
         "score both on the same split and part");
  }
  index_by_id(first);
  PairedMarks marks{.counts = {.n = static_cast<int64_t>(index.size())}};
  for (const Prediction& a : first.predictions) {
    const auto found = index.find(a.id);
    if (found == index.end()) {
      fail(ErrorKind::kData, {.file = second.name, .field = "id"}, "no " + printable(a.id),
           "the same questions as " + first.name, "score both on the same split and part");
    }
    const Prediction& b = *found->second;
    require_equal(second, "gold", b.gold, first, a.gold);
    require_equal(second, "split", split_of(b), first, split_of(a));
    require_equal(second, "parser", b.parser, first, a.parser);
    marks.counts.only_first += a.*right && !(b.*right);
    marks.counts.only_second += b.*right && !(a.*right);
    marks.counts.both += a.*right && b.*right;
    marks.differences.push_back(static_cast<double>(b.*right) - static_cast<double>(a.*right));
    marks.groups.push_back(a.group);
  }
  return marks;
}

}  // namespace telora
