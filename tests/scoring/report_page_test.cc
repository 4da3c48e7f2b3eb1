#include "scoring/report_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/text.h"
#include "data/regex.h"
#include "scoring/published.h"
#include "scoring/svg.h"
#include "tests/scoring/example_report.h"
#include "tests/scoring/synthetic.h"

namespace telora {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kHostile = "</pre><script>alert(1)</script>\"'&\x1b\xff";

ReportInputs class_inputs() {
  ReportInputs inputs = example::inputs();
  inputs.category = "3gpp-tsg";
  inputs.subjects.clear();
  for (const char* name : {kBaseName, "adapter"}) {
    const uint64_t seed = inputs.subjects.size();
    inputs.subjects.push_back(
        {name,
         {{"test", synthetic::predictions({.right = 0.3 + 0.3 * static_cast<double>(seed),
                                           .names = synthetic::working_groups(),
                                           .seed = seed})}}});
  }
  inputs.baselines[0].baselines = {{"chance", 18.75, 300}};
  return inputs;
}

TEST(ReportPage, BeginsWithTheVerdict) {
  const std::string page = render_page(build_report(example::inputs()));
  EXPECT_THAT(page, AllOf(HasSubstr("<!doctype html>"), HasSubstr("an improvement</span>"),
                          HasSubstr("It answers 79 in 100 unseen questions right; the base without "
                                    "it 28 in 100; “longest option”, which needs no model, 43 in "
                                    "100.")));
  EXPECT_LT(page.find("an improvement</span>"), page.find("<h2>"));
}

TEST(ReportPage, ShowsWhatWasPublishedAndThatItsSplitsDiffer) {
  const std::string page = render_page(build_report(example::inputs()));
  EXPECT_THAT(page, AllOf(HasSubstr("EXAONE-4.0-1.2B"), HasSubstr("79.6 %"),
                          HasSubstr("[76.6, 82.3]"), HasSubstr("other splits")));
}

TEST(ReportPage, LoadsAndRunsNothing) {
  for (const ReportInputs& inputs : {example::inputs(), class_inputs()}) {
    const std::string page = render_page(build_report(inputs));
    for (const char* word : {"<script", "http:", "https:", "url(", "@import", "<img", "src=",
                             "on"
                             "load="}) {
      EXPECT_THAT(page, Not(HasSubstr(word)));
    }
    EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  }
}

TEST(ReportPage, WhateverAReportHoldsIsShownAsText) {
  ReportInputs inputs = example::inputs();
  inputs.backbone = inputs.category = kHostile;
  inputs.subjects[1].name = kHostile;
  inputs.digests = {{kHostile, kHostile}};
  inputs.settings = {{kHostile, kHostile}};
  inputs.parser_version = kHostile;
  inputs.baselines[0].baselines[1].name = kHostile;
  PageTexts texts;
  for (SubjectInputs& subject : inputs.subjects) {
    for (Prediction& p : subject.parts[0].predictions) {
      p.id += kHostile;
      p.gold += kHostile;
      if (p.parsed) p.predicted += kHostile;
      p.selected += kHostile;
      p.output = kHostile;
      texts.questions[p.id] = kHostile;
    }
  }
  const std::string page = render_page(build_report(inputs), texts);
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("\x1b")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;"));
  EXPECT_EQ(find_invalid_utf8(page), std::string::npos);
}

TEST(ReportPage, QuestionsOfMistakesAreShownWhereTheyAreKnown) {
  const Report report = build_report(example::inputs());
  const std::string id = report.subjects[0].parts[0].mistakes.at(0).id;
  EXPECT_THAT(render_page(report, {{{id, "Which of these?\nA) one"}}}),
              HasSubstr("<pre>Which of these?\nA) one</pre>"));
  EXPECT_THAT(render_page(report), Not(HasSubstr("Which of these?")));
}

TEST(ReportPage, ClassesHaveAMatrix) {
  const std::string page = render_page(build_report(class_inputs()));
  EXPECT_THAT(page, AllOf(HasSubstr("RAN_AH1"), HasSubstr("macro-F1"), HasSubstr("heat hit")));
  EXPECT_THAT(render_page(build_report(example::inputs())), Not(HasSubstr("heat hit")));
}

// Every bar stands on the line at 150 and is at most 124 high, the one of answers not understood
// too.
TEST(ReportPage, BarsStayWithinTheirDrawing) {
  ReportInputs inputs = example::inputs();
  for (Prediction& p : inputs.subjects.at(0).parts.at(0).predictions) {
    p.predicted.clear();
    p.parsed = p.correct = false;
  }
  const std::string page = render_page(build_report(inputs));
  const std::vector<std::string> heights =
      Regex(R"re(<rect class="bar-[a-z]+"[^>]* y="[^"]*" width="[^"]*" height="([^"]*)")re")
          .captures(page);
  ASSERT_GE(heights.size(), 4U);
  double most = 0;
  for (const std::string& height : heights) most = std::max(most, std::stod(height));
  EXPECT_EQ(most, 124);
}

TEST(ReportPage, AnEmptyReportIsAPageToo) {
  const std::string page = render_page(Report{});
  EXPECT_THAT(page,
              AllOf(HasSubstr("Nothing was scored"), Not(HasSubstr("nan")), HasSubstr("</html>")));
}

TEST(ReportPage, TheSameReportGivesTheSameBytes) {
  EXPECT_EQ(render_page(build_report(class_inputs())), render_page(build_report(class_inputs())));
}

TEST(Svg, EscapesAndRounds) {
  Svg svg(100, 50.256, "a \"label\"");
  svg.text({1.5, -0.001}, "<&>", "tick");
  EXPECT_EQ(svg.str(),
            "<svg class=\"plot\" viewBox=\"0 0 100 50.26\" width=\"100\" role=\"img\" "
            "aria-label=\"a &quot;label&quot;\"><text class=\"tick\" x=\"1.5\" y=\"0\" "
            "text-anchor=\"start\">&lt;&amp;&gt;</text></svg>");
}

TEST(EscapeMarkup, KeepsTextAndNothingElse) {
  EXPECT_EQ(escape_markup("größer 5G\n"), "größer 5G\n");
  EXPECT_EQ(escape_markup("a\tb\xff\x01"),
            "a\xef\xbf\xbd"
            "b\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(escape_markup("'\"<>&"), "&#39;&quot;&lt;&gt;&amp;");
}

TEST(Published, CountsGiveThePrintedPercentages) {
  ASSERT_EQ(published_table().categories.size(), 6u);
  const auto unseen = [](const char* category, size_t model) {
    const PublishedResult& result = find_published(category)->results.at(model);
    return std::round(1e4 * result.unseen.rate()) / 100;
  };
  EXPECT_EQ(unseen("teleqna", 0), 57.15);
  EXPECT_EQ(unseen("6g-bench", 2), 79.6);
  EXPECT_EQ(unseen("3gpp-tsg", 1), 30);
  EXPECT_EQ(unseen("srsran-bench", 0), 86.05);
  EXPECT_EQ(unseen("teletables", 1), 12);
  EXPECT_NEAR(find_published("oran-bench")->results[0].seen.rate(), 0.7578, 5e-5);
  EXPECT_EQ(find_published("telelogs"), nullptr);
}

TEST(Published, BrokenTablesAreRefused) {
  const auto refused = [](const std::string& results) {
    EXPECT_THROW(parse_published("source: x\ncategories:\n  - name: a\n    rule: 1\n    probe: 2\n"
                                 "    results: [" +
                                     results + "]\n",
                                 "table.yaml"),
                 Error)
        << results;
  };
  refused("{model: m, seen: [1, 2], unseen: [3, 2]}");
  refused("{model: m, seen: [1, 2], unseen: [1]}");
  refused("{model: m, seen: [1, 2], unseen: [0, 0]}");
  refused("{model: m, seen: [1, 2], unseen: [1, 2], more: 1}");
}

}  // namespace
}  // namespace telora
