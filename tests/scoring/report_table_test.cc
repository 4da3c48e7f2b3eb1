#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "core/text.h"
#include "scoring/report_text.h"
#include "tests/scoring/example_report.h"
#include "tests/scoring/synthetic.h"

namespace telora {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

void expect_narrow(const std::string& table) {
  std::istringstream lines(table);
  for (std::string line; std::getline(lines, line);)
    EXPECT_LE(count_code_points(line), 100u) << line;
}

TEST(RenderTable, ShowsTheWholeStory) {
  EXPECT_EQ(render_table(build_report(example::inputs())),
            R"(6g-bench · smollm2-135m · 745 test questions
split group, seed 42: 2,233 training, 744 validation, 745 test

                                                  correct  accuracy  95 % interval   skill  unparsed
  ──────────────────────────────────────────────────────────────────────────────────────────────────
  base            generated pass@1             209 of 745    28.1 %   [24.9, 31.4]  -0.263    12.3 %
                  selection accuracy           231 of 745    31.0 %   [27.8, 34.4]  -0.211         –
  adapter         generated pass@1             590 of 745    79.2 %   [76.1, 82.0]   0.635     0.0 %
                  selection accuracy           593 of 745    79.6 %   [76.6, 82.3]   0.642         –
  ──────────────────────────────────────────────────────────────────────────────────────────────────
  best constant answer (B)                     228 of 745    30.6 %
  longest option                             320.5 of 745    43.0 %   A₀, what costs nothing
  chance                                     186.2 of 745    25.0 %

                                      against             points  95 % interval   won : lost       p
  ──────────────────────────────────────────────────────────────────────────────────────────────────
  adapter         generated pass@1    base                 +51.1   [47.2, 54.8]     391 : 10 < 1e-99
  adapter         selection accuracy  base                 +48.6   [44.5, 52.4]     380 : 18   2e-89
  adapter         generated pass@1    what costs nothing   +36.2                           –   2e-90
  adapter         selection accuracy  what costs nothing   +36.6                           –   1e-92

  Generated answers read by inspect-legacy.
  Skill: (accuracy − A₀) / (1 − A₀).
  Against a model: Newcombe's paired interval, exact McNemar test on the same questions,
  two-sided, p by Holm over the subjects.
  Against a rule: exact binomial test, two-sided.

An improvement: adapter gets 79.2 % of 745 test questions right by generated pass@1, better than
the base (+51.1 points [+47.2, +54.8], p = 1e-101), and better than what costs nothing (longest
option, 43.0 %, p = 2e-90).
)");
}

size_t lines_with(const std::string& table, const std::string& what) {
  std::istringstream lines(table);
  size_t count = 0;
  for (std::string line; std::getline(lines, line);) count += line.find(what) != std::string::npos;
  return count;
}

// What other parsers read has lines of its own only where it is something else for some subject.
TEST(RenderTable, VariantsWithTheSameCountsAreNamedOnce) {
  ReportInputs inputs = example::inputs();
  for (SubjectInputs& subject : inputs.subjects) {
    for (Prediction& p : subject.parts.at(0).predictions) {
      p.readings = {{"alike", p.predicted, p.correct}, {"strict", p.predicted, p.correct}};
    }
  }
  Reading& other = inputs.subjects[1].parts[0].predictions[0].readings[1];
  other.correct = !other.correct;
  const std::string table = render_table(build_report(inputs));
  EXPECT_THAT(table, HasSubstr("With the same counts: by alike."));
  EXPECT_EQ(lines_with(table, "by alike"), 1U);
  EXPECT_EQ(lines_with(table, "by strict"), inputs.subjects.size());  // no tests of it either
}

TEST(RenderTable, SaysWhatWasMeasuredOfTheCost) {
  ReportInputs inputs = example::inputs();
  inputs.subjects[1].cost = Cost{.queries = 30,
                                 .latency_p50_seconds = 0.5,
                                 .latency_p95_seconds = 0.75,
                                 .tokens_per_second = 41.26,
                                 .peak_memory_bytes = 2'000'000'000,
                                 .weights_bytes = 269'000'000};
  const std::string table = render_table(build_report(inputs));
  expect_narrow(table);
  EXPECT_THAT(table, HasSubstr("  adapter, cost of one question: latency, median 0.500 s; latency, "
                               "95 % 0.750 s; first token not\n  measured; tokens/s 41.3; peak "
                               "memory 2000.0 MB;"));
  EXPECT_THAT(table, HasSubstr("Edge Score 0.792; over what costs\n  nothing 0.635\n"));
  EXPECT_THAT(table, Not(HasSubstr("base, cost")));
}

TEST(RenderTable, FitsOneHundredColumnsWhateverTheNames) {
  ReportInputs inputs = example::inputs();
  const std::string longest(300, 'x');
  inputs.backbone = "/" + longest + "/the-model";
  inputs.rows = {370368, 123456, 123456};
  inputs.subjects[1].name = longest + "é";
  Report report = build_report(inputs);
  for (Subject& subject : report.subjects) {
    for (Metric& metric : subject.parts[0].metrics) {
      metric.score = {longest, 123456, 123456, 123456};
    }
    subject.gaps = {{longest, {longest, 123456, 123456}, {longest, 1, 123456}}};
  }
  report.baselines[0].baselines[0] = {longest, 123455.5, 123456};
  report.comparisons[0].metric = longest;
  report.comparisons[0].counts = {61728, 61728, 123456, 0};
  report.baseline_tests[0].baseline = longest;
  const std::string table = render_table(report);
  expect_narrow(table);
  EXPECT_THAT(table, HasSubstr("/the-model"));
}

TEST(RenderTable, ABaseAloneIsTestedAgainstTheBestRule) {
  ReportInputs inputs = example::inputs();
  inputs.subjects.resize(1);
  const std::string table = render_table(build_report(inputs));
  EXPECT_THAT(table, AllOf(HasSubstr("-12.0"), HasSubstr("worse than what costs nothing"),
                           Not(HasSubstr("McNemar"))));
}

TEST(RenderTable, ShowsVotesRotationsGapsAndThePartThatWasScored) {
  ReportInputs inputs = example::inputs();
  inputs.majority = {4, {.temperature = 0.7, .top_p = 1}, 42};
  inputs.subjects.resize(1);
  const auto scored = [&](const char* part) {
    return PartPredictions{
        part, synthetic::predictions({.part = part, .n = 60, .samples = 4, .rotations = true})};
  };
  inputs.subjects[0].parts = {scored("train")};
  std::string table = render_table(build_report(inputs));
  EXPECT_THAT(table, AllOf(HasSubstr("2,233 train questions"), HasSubstr("generated maj@4"),
                           HasSubstr("these rows were trained on")));
  EXPECT_THAT(table, HasSubstr("maj@4: most frequent of 4 answers at temperature 0.7, top-p "
                               "1, seed 42; of equals the first."));
  inputs.subjects[0].parts.push_back(scored("test"));
  table = render_table(build_report(inputs));
  EXPECT_THAT(table, AllOf(HasSubstr("745 test questions"), HasSubstr("pass@4"),
                           HasSubstr("options rotated"), HasSubstr("seen → unseen")));
  expect_narrow(table);
}

TEST(RenderTable, ShowsCollapseAndMacroF1) {
  ReportInputs inputs = example::inputs();
  inputs.subjects.resize(1);
  inputs.subjects[0].parts = {
      {"test", synthetic::predictions({.n = 200, .names = synthetic::working_groups()})}};
  for (Prediction& p : inputs.subjects[0].parts[0].predictions) p.selected = "SA2";
  const std::string table = render_table(build_report(inputs));
  EXPECT_THAT(table, AllOf(HasSubstr("macro-F1"), HasSubstr("COLLAPSED"), HasSubstr("are SA2")));
  expect_narrow(table);
}

TEST(RenderTable, AnEmptyReportHasNoNumbersToDivide) {
  EXPECT_THAT(render_table(Report{}), Not(HasSubstr("nan")));
}

TEST(Wrapped, BreaksAtSpacesAndNeverWithinACharacter) {
  EXPECT_EQ(wrapped("one two three", 9, "  "), "  one two\n  three\n");
  EXPECT_EQ(wrapped("ééééé", 4, " "), " ééé\n éé\n");
  EXPECT_EQ(wrapped("", 4, " "), "");
}

}  // namespace
}  // namespace telora
