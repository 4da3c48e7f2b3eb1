#include "scoring/report_sections.h"

#include <fmt/format.h>

#include <algorithm>

#include "scoring/answering.h"
#include "scoring/cost_text.h"
#include "scoring/html_table.h"
#include "scoring/report_charts.h"
#include "scoring/report_text.h"
#include "scoring/svg.h"

namespace telora {

namespace {

constexpr size_t kMostBars = 10;  // answers that a histogram has room for; classes have a matrix
constexpr size_t kMostMistakes = 10;

std::string points(double share) { return fmt::format("{:+.1f}", 100 * share); }

std::string three_digits(const std::optional<double>& value) {
  return value ? fmt::format("{:.3f}", *value) : "–";
}

std::string count_text(const Score& score) {
  return fmt::format("{} of {}", grouped(score.correct), grouped(score.n));
}

// Calls show(subject, its result) for the subjects that have this part.
template <typename Show>
void for_each_result(const Report& report, const std::string& part, const Show& show) {
  for (const Subject& subject : report.subjects) {
    const PartResult* result = find_part(report, subject.name, part);
    if (result != nullptr) show(subject, *result);
  }
}

std::string heading(std::string_view title, std::string_view explanation) {
  return fmt::format("<h2>{}</h2>\n<p>{}</p>\n", title, explanation);
}

std::string subject_heading(const Subject& subject) {
  return "<h3>" + escape_markup(subject.name) + "</h3>\n";
}

void add_scores(HtmlTable& table, const Subject& subject, const PartResult& result) {
  for (const Metric& m : result.metrics) {
    const double error = standard_error(m.score.correct, m.score.n);
    table.row({subject.name, m.score.name, count_text(m.score), percent(m.score.rate()),
               interval_text(m.score.interval()),
               m.score.n < 2 ? "–" : fmt::format("{:.2f}", 100 * error),
               m.clustered_error ? fmt::format("{:.2f}", 100 * *m.clustered_error) : "–",
               three_digits(m.skill), m.score.unparsed ? percent(m.score.unparsed_rate()) : "–"});
  }
}

std::string interval_or_none(const std::optional<Interval>& interval) {
  return interval ? interval_text(*interval) : "–";
}

}  // namespace

std::string score_table(const Report& report, const std::string& part) {
  HtmlTable table({"who", "by", "right", "accuracy", "95 % interval", "standard error",
                   "… by groups", "skill", "not understood"},
                  2);
  for_each_result(report, part, [&](const Subject& subject, const PartResult& result) {
    add_scores(table, subject, result);
  });
  return table.str();
}

std::string test_table(const Report& report, const std::string& part) {
  HtmlTable table({"who", "by", "against", "finding", "points", "95 % interval",
                   "bootstrap by groups", "won : lost", "p"},
                  4);
  for (const Comparison& c : report.comparisons) {
    if (c.part != part || variant_of(c.metric)) continue;
    table.row({c.second, c.metric, c.first, finding_text(c.finding()), points(c.difference()),
               interval_text(paired_interval(c.counts)), interval_text(c.bootstrap),
               fmt::format("{} : {}", c.counts.only_second, c.counts.only_first),
               p_text(c.adjusted_p)});
  }
  for (const BaselineTest& t : report.baseline_tests) {
    // The base's own skill is not in question once there are others.
    const bool wanted = report.subjects.size() == 1 || t.subject != kBaseName;
    if (t.part != part || !wanted || variant_of(t.metric)) continue;
    table.row({t.subject, t.metric, t.baseline, finding_text(t.finding()), points(t.difference()),
               "–", interval_or_none(t.bootstrap), "–", p_text(t.p)});
  }
  if (table.empty()) return {};
  return "<h3>Against the base and against what costs nothing, on the same questions</h3>\n" +
         table.str() +
         "<p class=\"soft\">Interval: Newcombe’s for paired shares. p: exact McNemar test, "
         "adjusted "
         "by Holm where there are several adapters; against a rule, exact binomial test. “Better” "
         "and “worse” need both the test and the bootstrap over groups of related questions. "
         "Skill: what is gained over the best answer that costs nothing; 0 is none, 1 is "
         "all. Tests of the same answers read by other rules are in report.json.</p>\n";
}

std::string seen_section(const Report& report) {
  HtmlTable table({"who", "by", "seen", "unseen", "points", "95 % interval"}, 2);
  for (const Subject& subject : report.subjects) {
    for (const SeenGap& gap : subject.gaps) {
      table.row({subject.name, gap.metric, percent(gap.seen.rate()), percent(gap.unseen.rate()),
                 points(gap.difference()), interval_text(gap.interval())});
    }
  }
  if (table.empty()) return {};
  return heading(
             "Seen and unseen questions",
             "A model that has learned does as well on questions it was not trained on; one that "
             "has memorised does not. The interval is that of the difference.") +
         table.str();
}

std::string steady_section(const Report& report) {
  HtmlTable repeated({"who", "answers drawn", "right at least once", "guessing",
                      "Δ over one answer", "Δ of guessing", "majority right", "consistency",
                      "answers change"});
  HtmlTable rotated(
      {"who", "by", "right over all orders", "right in every order", "the same in every order"}, 2);
  for_each_result(report, main_part(report), [&](const Subject& subject, const PartResult& part) {
    if (const auto& r = part.repeated) {
      repeated.row({subject.name, fmt::format("{} of {} questions", r->k, grouped(r->n)),
                    percent(r->pass_direct), percent(r->chance_pass), points(r->gap),
                    points(r->chance_gap), percent(r->majority), percent(r->consistency),
                    percent(r->flip_rate)});
    }
    for (const RotationResult& r : part.rotations) {
      rotated.row({subject.name, r.metric, percent(r.rate()),
                   fmt::format("{} of {}", grouped(r.right_in_all), grouped(r.n)),
                   fmt::format("{} of {}", grouped(r.same_in_all), grouped(r.n))});
    }
  });
  if (repeated.empty() && rotated.empty()) return {};
  std::string text =
      heading("How steady it is",
              "The same question asked several times, and with its options in "
              "another order. Right at least once rewards spread, so guessing stands "
              "beside it.");
  return text + repeated.str() + rotated.str();
}

namespace {

// The other ways of answering are in the tables.
bool is_drawn(const std::string& metric) { return metric == kGenerated || metric == kSelection; }

std::string collapse_note(const AnswerHistogram& h) {
  std::string note =
      fmt::format("{}: answers are not spread as the right ones are, distance {:.2f}", h.metric,
                  h.total_variation);
  if (h.largest_share > 0.5) {
    note += fmt::format("; {} are {}", percent(h.largest_share), shortened(h.largest, 40));
  }
  return "<p class=\"beware\">" + escape_markup(note) + ".</p>\n";
}

std::string answers_of(const PartResult& part) {
  std::string text, bars;
  for (const AnswerHistogram& h : part.histograms) {
    if (!is_drawn(h.metric)) continue;
    if (h.collapsed) text += collapse_note(h);
    if (h.answers.size() <= kMostBars) bars += histogram_chart(h);
  }
  if (!bars.empty()) text += "<div class=\"charts\">" + bars + "</div>\n";
  if (part.classes.empty()) return text;
  HtmlTable table({"by", "macro-F1"});
  for (const ClassResult& c : part.classes) {
    table.row({c.metric, fmt::format("{:.3f}", c.macro_f1())});
  }
  return text + confusion_chart(part.classes.front()) + table.str();
}

}  // namespace

std::string answers_section(const Report& report) {
  std::string charts;
  for_each_result(report, main_part(report), [&](const Subject& subject, const PartResult& part) {
    const std::string own = answers_of(part);
    if (!own.empty()) charts += subject_heading(subject) + own;
  });
  if (charts.empty()) return {};
  return heading(
             "What it answers",
             "An adapter that gives one answer to everything can score well where that answer is "
             "often right. Answers given should be spread as the right ones are.") +
         charts;
}

namespace {

std::string target_table(const CalibrationResult& c) {
  HtmlTable table({"at most wrong", "answer from confidence", "questions answered",
                   "of these wrong", "95 % interval"});
  for (const RiskTarget& target : c.targets) {
    if (!target.kept) {
      table.row({percent(target.target), "no threshold does", "–", "–", "–"});
      continue;
    }
    const Coverage& kept = *target.kept;
    const double share = static_cast<double>(kept.answered) / static_cast<double>(c.n);
    table.row({percent(target.target), fmt::format("{:.3f}", kept.threshold),
               fmt::format("{} ({})", grouped(kept.answered), percent(share)), percent(kept.risk()),
               interval_text(wilson(kept.wrong, kept.answered))});
  }
  return table.str() + fmt::format(
                           "<p class=\"soft\">A threshold is taken only where the upper end of the "
                           "interval meets the target; chosen on the {} part.</p>\n",
                           escape_markup(c.chosen_on));
}

std::string mistake_text(const Mistake& m, const PageTexts& texts) {
  std::string text = fmt::format(
      "<div class=\"mistake\"><div><code>{}</code> answered <b>{}</b>, right is "
      "<b>{}</b>{}</div>\n",
      escape_markup(m.id), m.answer.empty() ? "nothing understood" : escape_markup(m.answer),
      escape_markup(m.gold), m.confidence ? fmt::format(", {} sure", percent(*m.confidence)) : "");
  const auto question = texts.questions.find(m.id);
  if (question != texts.questions.end()) {
    text += "<pre>" + escape_markup(question->second) + "</pre>\n";
  }
  if (!m.output.empty()) {
    text += "<small>it wrote</small><pre>" + escape_markup(m.output) + "</pre>\n";
  }
  return text + "</div>\n";
}

}  // namespace

std::string confidence_section(const Report& report) {
  std::string charts;
  for_each_result(report, main_part(report), [&](const Subject& subject, const PartResult& part) {
    if (!part.calibration) return;
    charts += subject_heading(subject) + "<div class=\"charts\">" +
              reliability_chart(*part.calibration) + risk_chart(*part.calibration) + "</div>\n" +
              target_table(*part.calibration);
  });
  if (charts.empty()) return {};
  return heading(
             "How far its confidence can be trusted",
             "Confidence is the share of the chosen option among the probabilities of all options "
             "offered. Where only sure answers are used and the rest goes to a person, the table "
             "says from which confidence on.") +
         charts;
}

std::string mistakes_section(const Report& report, const PageTexts& texts) {
  std::string text;
  for_each_result(report, main_part(report), [&](const Subject& subject, const PartResult& part) {
    if (part.mistakes.empty()) return;
    text += subject_heading(subject) + "<details><summary>the surest wrong answers</summary>\n";
    const size_t shown = std::min(kMostMistakes, part.mistakes.size());
    for (size_t i = 0; i < shown; ++i) text += mistake_text(part.mistakes[i], texts);
    text += "</details>\n";
  });
  if (text.empty()) return {};
  return heading("Worst mistakes", "Wrong answers of which the model was most sure.") + text;
}

std::string cost_section(const Report& report) {
  std::vector<std::string> headings = {"who"};
  std::vector<std::vector<std::string>> rows;
  int64_t queries = 0;
  for (const Subject& subject : report.subjects) {
    if (!subject.cost) continue;
    queries = std::max(queries, subject.cost->queries);
    std::vector<std::string>& row = rows.emplace_back(1, subject.name);
    headings.resize(1);
    for (const auto& [name, value] : cost_entries(report, subject)) {
      headings.push_back(name);
      row.push_back(value);
    }
  }
  if (rows.empty()) return {};
  HtmlTable table(headings);
  for (const std::vector<std::string>& row : rows) table.row(row);
  return heading("What it costs",
                 fmt::format("One question at a time after one to warm up, {} "
                             "questions. Edge Score: accuracy divided by median "
                             "latency (s) and peak memory (GB); the second one "
                             "counts only what is gained over the best answer that "
                             "costs nothing.",
                             queries)) +
         table.str();
}

std::string measured_section(const Report& report) {
  HtmlTable table({}, 0);
  const auto add = [&](const std::string& name, const std::string& value) {
    if (!value.empty()) table.row({name, value});
  };
  add("category", report.category);
  add("backbone", report.backbone);
  add("split", fmt::format("{}, seed {}: {} training, {} validation, {} test questions",
                           report.split_method, report.split_seed, grouped(report.rows.training),
                           grouped(report.rows.validation), grouped(report.rows.test)));
  add("answers read by", report.parser_version.empty() ? report.parser : report.parser_version);
  if (report.majority.samples > 0) {
    add("vote",
        fmt::format("most frequent of {} answers, temperature {:.3g}, top-p {:.3g}, seed {}",
                    report.majority.samples, report.majority.sampling.temperature,
                    report.majority.sampling.top_p, report.majority.seed));
  }
  for (const auto& [name, value] : report.settings) add(name, value);
  for (const auto& [name, digest] : report.digests) add("SHA-256 of " + name, digest);
  return "<h2>How it was measured</h2>\n" + table.str();
}

}  // namespace telora
