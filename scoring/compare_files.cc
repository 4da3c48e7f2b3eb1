#include "scoring/compare_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/document.h"
#include "core/error.h"
#include "scoring/prediction_files.h"
#include "scoring/report_schema.h"
#include "scoring/report_text.h"

namespace telora {

namespace {

constexpr size_t kColumns = 98;
constexpr size_t kNameWidth = 46;

// The rows of one part of a file.
struct Source {
  std::string name;
  std::string part;
  std::vector<AnswerSet> sets;
};

std::vector<std::string> parts_in(const std::vector<Prediction>& predictions) {
  std::vector<std::string> parts;
  for (const Prediction& p : predictions) {
    if (std::ranges::find(parts, p.split) == parts.end()) parts.push_back(p.split);
  }
  std::ranges::sort(parts);
  return parts;
}

// The part asked for; else the only one, or test.
std::string choose_part(const CompareRequest& request, const std::string& name,
                        const std::vector<Prediction>& predictions) {
  const std::vector<std::string> parts = parts_in(predictions);
  const auto has = [&](const std::string& part) {
    return std::ranges::find(parts, part) != parts.end();
  };
  if (request.part.empty() && parts.size() == 1) return parts.front();
  const std::string part = request.part.empty() ? "test" : request.part;
  if (has(part)) return part;
  fail(ErrorKind::kUsage, {.file = printable(name), .field = "--split"}, "no lines of " + part,
       printable(fmt::format("one of {}", fmt::join(parts, ", "))));
}

Source read_source(const CompareRequest& request, const std::string& name) {
  std::vector<Prediction> predictions = find_predictions(name);
  Source source{name, choose_part(request, name, predictions), {}};
  std::erase_if(predictions, [&](const Prediction& p) { return p.split != source.part; });
  source.sets = answer_sets(predictions);
  return source;
}

std::string choose_metric(const CompareRequest& request, const std::vector<Source>& sources) {
  if (!request.metric.empty()) return request.metric;
  const bool generated = std::ranges::all_of(sources, [](const Source& source) {
    return find_answers(source.sets, kGenerated) != nullptr;
  });
  return generated ? kGenerated : kSelection;
}

const AnswerSet& answers_of(const Source& source, const std::string& metric) {
  const AnswerSet* found = find_answers(source.sets, metric);
  if (found != nullptr) return *found;
  std::vector<std::string> names;
  for (const AnswerSet& set : source.sets) names.push_back("'" + set.metric + "'");
  fail(ErrorKind::kUsage, {.file = printable(source.name), .field = "--metric"},
       "no answers by '" + printable(metric) + "'",
       names.empty() ? "answers" : printable(fmt::format("one of {}", fmt::join(names, ", "))));
}

FileComparison compare_pair(const Source& first, const Source& second, const std::string& metric) {
  const AnswerSet& one = answers_of(first, metric);
  const AnswerSet& other = answers_of(second, metric);
  FileComparison made{compare(first.name, one, second.name, other), one.score(), other.score()};
  made.split_method = one.rows.front().split_method;
  made.split_seed = one.rows.front().split_seed;
  made.parser = one.rows.front().parser;
  return made;
}

std::string subject_line(const std::string& name, const Score& score) {
  return fmt::format("  {:<{}}{:>20}{:>10}\n", shortened(name, kNameWidth), kNameWidth,
                     fmt::format("{} of {}", grouped(score.correct), grouped(score.n)),
                     percent(score.rate()));
}

std::string conclusion(const Comparison& c) {
  const Interval paired = paired_interval(c.counts);
  std::string text =
      fmt::format("The second is {} the first: {:+.1f} points, paired 95 % interval {}.",
                  c.finding() == Finding::kUndecided ? "not distinguishable from"
                                                     : finding_text(c.finding()) + " than",
                  100 * c.difference(), interval_text(paired));
  const int64_t needed = items_to_tell(c.counts);
  if (needed == 0) {
    text += " They are right equally often: no number of questions would tell them apart.";
  } else {
    text += fmt::format(
        " A difference like this takes about {} questions to tell (80 % power, 5 % level).",
        grouped(needed));
  }
  return text;
}

std::string evidence(const Comparison& c, size_t pairs) {
  const McNemar test = mcnemar(c.counts);
  std::string text = fmt::format(
      "Right by the first alone {}, by the second alone {}, by both {}. McNemar exact p {}, mid-p "
      "{}.",
      grouped(c.counts.only_first), grouped(c.counts.only_second), grouped(c.counts.both),
      p_text(test.exact), p_text(test.mid));
  if (pairs > 1) text += fmt::format(" By Holm over {} pairs: p {}.", pairs, p_text(c.adjusted_p));
  return text +
         fmt::format(" Bootstrap of {} groups: {}.", grouped(c.groups), interval_text(c.bootstrap));
}

std::string how(const FileComparison& f) {
  return fmt::format("{} questions of the {} part, split {}, seed {} · {}{}\n",
                     grouped(f.comparison.counts.n), f.comparison.part, printable(f.split_method),
                     f.split_seed, f.comparison.metric,
                     f.first.unparsed ? " read by " + printable(f.parser) : "");
}

}  // namespace

std::vector<FileComparison> compare_files(const CompareRequest& request) {
  if (request.files.empty() || request.files.size() % 2 != 0) {
    fail(ErrorKind::kUsage, {.file = "compare", .field = {}},
         fmt::format("{} predictions", request.files.size()), "pairs: A B, or A B A2 B2");
  }
  std::vector<Source> sources;
  for (const std::string& file : request.files) sources.push_back(read_source(request, file));
  const std::string metric = choose_metric(request, sources);
  std::vector<FileComparison> made;
  for (size_t i = 0; i < sources.size(); i += 2) {
    made.push_back(compare_pair(sources[i], sources[i + 1], metric));
  }
  std::vector<Comparison*> together;
  for (FileComparison& one : made) together.push_back(&one.comparison);
  adjust_together(together);
  return made;
}

std::string render_comparisons(const std::vector<FileComparison>& comparisons) {
  std::string text;
  for (const FileComparison& f : comparisons) {
    if (!text.empty()) text += "\n";
    text += how(f) + subject_line(f.comparison.first, f.first) +
            subject_line(f.comparison.second, f.second) + "\n" +
            wrapped(evidence(f.comparison, comparisons.size()), kColumns, "  ") + "\n" +
            wrapped(conclusion(f.comparison), kColumns, "");
  }
  return text;
}

std::string comparisons_json(const std::vector<FileComparison>& comparisons) {
  nlohmann::ordered_json pairs = nlohmann::ordered_json::array();
  for (const FileComparison& f : comparisons) {
    nlohmann::ordered_json pair = comparison_json(f.comparison);
    pair["first_correct"] = f.first.correct;
    pair["second_correct"] = f.second.correct;
    pair["split_method"] = f.split_method;
    pair["split_seed"] = f.split_seed;
    pair["parser"] = f.parser;
    pairs.push_back(std::move(pair));
  }
  return to_json({{"pairs", pairs}});
}

}  // namespace telora
