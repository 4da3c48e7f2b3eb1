#include "scoring/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"
#include "tests/golden/scratch.h"
#include "tests/scoring/example_report.h"
#include "tests/scoring/synthetic.h"

namespace telora {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class ReportTest : public testing::Test {
 protected:
  std::string text(const Report& report) const {
    write_report(folder_ / "report.json", report);
    return read_text(folder_ / "report.json");
  }

  std::string refusal(const std::string& json) const {
    publish(folder_ / "broken.json", json);
    try {
      read_report(folder_ / "broken.json");
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kData);
      return error.what();
    }
    return "no error";
  }

  golden::Scratch folder_;
};

// Everything that a report can hold.
ReportInputs full_inputs() {
  ReportInputs inputs = example::inputs();
  inputs.rows = {200, 100, 150};
  inputs.majority = {4, {.temperature = 0.7, .top_p = 0.9}, 7};
  inputs.subjects.clear();
  for (const char* name : {kBaseName, "good", "bad"}) {
    const uint64_t seed = inputs.subjects.size() + 1;
    const double right = seed == 2 ? 0.9 : 0.3;
    SubjectInputs subject{name, {}};
    for (const auto& [part, n] : {std::pair("train", 200), {"validation", 100}, {"test", 150}}) {
      subject.parts.push_back({part, synthetic::predictions({.part = part,
                                                             .n = static_cast<size_t>(n),
                                                             .right = right,
                                                             .samples = 4,
                                                             .rotations = true,
                                                             .seed = seed})});
    }
    inputs.subjects.push_back(std::move(subject));
  }
  inputs.subjects[1].cost = Cost{.queries = 30,
                                 .latency_p50_seconds = 0.25,
                                 .latency_p95_seconds = 0.4,
                                 .peak_memory_bytes = 600'000'000,
                                 .weights_bytes = 270'000'000,
                                 .adapter_bytes = 19'000'000};
  inputs.baselines = {{"test", {{"longest option", 60, 150}}}, {"train", {{"chance", 50, 200}}}};
  for (const Prediction& p : inputs.subjects[0].parts[2].predictions) {
    inputs.baselines[0].marks.push_back({p.id, 0.4});
  }
  return inputs;
}

TEST_F(ReportTest, KnownCountsComeOut) {
  const Report report = build_report(example::inputs());
  EXPECT_EQ(find_score(report, "base", "test", kSelection)->correct, 231);
  EXPECT_EQ(find_score(report, "adapter", "test", kSelection)->correct, 593);
  EXPECT_EQ(find_score(report, "base", "test", kGenerated)->correct, 209);
  EXPECT_EQ(find_score(report, "base", "test", kGenerated)->unparsed, 92);
  ASSERT_EQ(report.comparisons.size(), 2u);
  const PairedCounts& selection = report.comparisons[1].counts;
  EXPECT_EQ(selection.only_first, 18);
  EXPECT_EQ(selection.only_second, 380);
  EXPECT_EQ(selection.both, 213);
  EXPECT_LT(mcnemar(selection).exact, 1e-80);
  EXPECT_EQ(best_baseline(report, "test")->name, "longest option");
  EXPECT_NEAR(*find_part(report, "adapter", "test")->metrics[1].skill,
              (593.0 / 745 - 320.5 / 745) / (1 - 320.5 / 745), 1e-12);
  EXPECT_EQ(report.verdicts.at(1).against_base, Finding::kBetter);
  EXPECT_EQ(report.verdicts.at(1).against_free, Finding::kBetter);
  EXPECT_EQ(report.verdicts.at(0).against_free, Finding::kWorse);
  EXPECT_THAT(report.verdicts.at(1).text,
              StartsWith("An improvement: adapter gets 79.2 % of 745 test"));
  EXPECT_TRUE(report.verdicts.at(1).improvement);
  EXPECT_THAT(report.verdicts.at(0).warnings,
              ElementsAre("12.3 % of its answers were not understood"));
}

TEST_F(ReportTest, AnAdapterThatOnlyMatchesWhatCostsNothingIsNoImprovement) {
  ReportInputs inputs = example::inputs();
  inputs.baselines[0].baselines[1].expected = 585;
  const Report report = build_report(inputs);
  EXPECT_EQ(report.verdicts[1].against_base, Finding::kBetter);
  EXPECT_EQ(report.verdicts[1].against_free, Finding::kUndecided);
  EXPECT_THAT(report.verdicts[1].text,
              AllOf(StartsWith("Not shown to be an improvement"),
                    HasSubstr("not distinguishable from what costs nothing")));
}

TEST_F(ReportTest, AConstantAnswerIsNoImprovementWhateverItScores) {
  ReportInputs inputs = example::inputs();
  for (Prediction& p : inputs.subjects[1].parts[0].predictions) {
    p.gold = "A";
    p.predicted = p.selected = "A";
    p.correct = true;
  }
  for (Prediction& p : inputs.subjects[0].parts[0].predictions) {
    p.gold = "A";
    p.correct = p.predicted == "A";
  }
  const Report report = build_report(inputs);
  EXPECT_EQ(report.verdicts[1].against_base, Finding::kBetter);
  EXPECT_FALSE(report.verdicts[1].improvement);
  EXPECT_THAT(report.verdicts[1].text, StartsWith("Not shown"));
  EXPECT_THAT(report.verdicts[1].warnings, ElementsAre("100 % of its answers are A"));
}

TEST_F(ReportTest, TheOrderOfRowsDoesNotMatter) {
  const ReportInputs inputs = full_inputs();
  ReportInputs shuffled = inputs;
  for (SubjectInputs& subject : shuffled.subjects) {
    for (PartPredictions& part : subject.parts) {
      std::ranges::reverse(part.predictions);
      std::ranges::rotate(part.predictions, part.predictions.begin() + 37);
    }
  }
  std::ranges::reverse(shuffled.baselines[0].marks);
  const std::string first = text(build_report(inputs));
  EXPECT_EQ(first, text(build_report(inputs)));
  EXPECT_EQ(first, text(build_report(shuffled)));
}

TEST_F(ReportTest, ReadsBackWhole) {
  for (const Report& report :
       {build_report(example::inputs()), build_report(full_inputs()), Report{}}) {
    const std::string before = text(report);
    const Report read = read_report(folder_ / "report.json");
    EXPECT_EQ(render_table(read), render_table(report));
    EXPECT_EQ(text(read), before);
  }
}

TEST_F(ReportTest, SeenAndUnseenStandBesideEachOther) {
  const Report report = build_report(full_inputs());
  const SeenGap& gap = report.subjects[1].gaps.at(0);
  EXPECT_EQ(gap.metric, kGenerated);
  EXPECT_EQ(gap.seen.n, 200);
  EXPECT_EQ(gap.unseen.n, 150);
  EXPECT_LT(gap.interval().low, gap.difference());
  EXPECT_TRUE(build_report(example::inputs()).subjects[1].gaps.empty());
}

TEST_F(ReportTest, MarksOfTheBaselineAreTestedPairedAndByGroup) {
  const Report report = build_report(full_inputs());
  const BaselineTest& test = report.baseline_tests.at(0);
  EXPECT_EQ(test.part, "test");
  ASSERT_TRUE(test.bootstrap);
  EXPECT_LT(test.bootstrap->low, test.difference());
  EXPECT_GT(test.bootstrap->high, test.difference());
  ReportInputs missing = full_inputs();
  missing.baselines[0].marks.pop_back();
  EXPECT_THROW(build_report(missing), Error);
}

TEST_F(ReportTest, ThePJudgeSeveralAdaptersTogether) {
  const Report report = build_report(full_inputs());
  for (const Comparison& c : report.comparisons) {
    EXPECT_GE(c.adjusted_p, mcnemar(c.counts).exact);
    EXPECT_EQ(c.first, kBaseName);
  }
}

TEST_F(ReportTest, RefusesWhatDoesNotBelongTogether) {
  const auto refused = [](auto change) {
    ReportInputs inputs = example::inputs();
    change(inputs.subjects[1].parts[0].predictions, inputs);
    EXPECT_THROW(build_report(inputs), Error);
  };
  refused([](auto& rows, auto&) { rows[5].split = "train"; });
  refused([](auto& rows, auto&) { rows[5].split_method = "sk"; });
  refused([](auto& rows, auto&) { rows[5].split_seed = 1; });
  refused([](auto& rows, auto&) { rows[5].parser = "lenient"; });
  refused([](auto& rows, auto&) { rows[5].id = rows[6].id; });
  refused([](auto& rows, auto&) { rows.pop_back(); });
  refused([](auto& rows, auto&) { rows[5].gold = "D"; });
  refused([](auto&, auto& inputs) { inputs.subjects[1].name = kBaseName; });
}

TEST_F(ReportTest, HoldsWhatReadersNeed) {
  const nlohmann::json value = nlohmann::json::parse(text(build_report(full_inputs())));
  EXPECT_EQ(value.at("report_version"), 2);
  EXPECT_EQ(value.at("measured").at("parser"), "inspect-legacy");
  EXPECT_EQ(value.at("measured").at("digests").at("data"), "cd34");
  const nlohmann::json& good = value.at("subjects").at(1);
  EXPECT_EQ(good.at("parts").at(0).at("part"), "test");
  EXPECT_EQ(good.at("parts").at(0).at("scores").at(0).at("name"), kGenerated);
  EXPECT_GT(good.at("edge_score").at("raw"), good.at("edge_score").at("corrected"));
  EXPECT_TRUE(good.at("cost").at("joules_per_query").is_null());
  EXPECT_EQ(value.at("subjects").at(0).count("cost"), 0u);
  EXPECT_EQ(value.at("comparisons").at(0).at("finding"), "better");
}

TEST_F(ReportTest, ReportsThatMakeNoSenseAreRefused) {
  const std::string good = text(build_report(full_inputs()));
  const auto changed = [&](const char* pointer, const nlohmann::ordered_json& value) {
    auto json = nlohmann::ordered_json::parse(good);
    json[nlohmann::ordered_json::json_pointer(pointer)] = value;
    return refusal(json.dump());
  };
  EXPECT_THAT(changed("/report_version", 3), HasSubstr("written by a newer telora"));
  EXPECT_THAT(changed("/report_version", 1), HasSubstr("lora-eval report"));
  EXPECT_THAT(changed("/report_version", "2"), HasSubstr("report_version"));
  const std::string score = "/subjects/0/parts/0/scores/0";
  EXPECT_THAT(changed((score + "/correct").c_str(), 746), HasSubstr("correct"));
  EXPECT_THAT(changed((score + "/unparsed").c_str(), -1), HasSubstr("unparsed"));
  EXPECT_THAT(changed((score + "/skill").c_str(), "x"), HasSubstr("skill"));
  EXPECT_THAT(changed("/comparisons/0/only_second", 728), HasSubstr("only_second"));
  EXPECT_THAT(changed("/comparisons/0/bootstrap_95", {1}), HasSubstr("bootstrap_95"));
  EXPECT_THAT(changed("/measured/rows", 3), HasSubstr("rows"));
  EXPECT_THAT(changed("/measured/digests/data", 3), HasSubstr("data"));
  EXPECT_THAT(changed("/verdicts/0/against_free", "great"), HasSubstr("against_free"));
  EXPECT_THAT(changed("/subjectz", 1), AllOf(HasSubstr("subjectz"), HasSubstr("subjects")));
  EXPECT_THAT(changed("/subjects/0/parts/0/new", 1), HasSubstr("new"));
  EXPECT_THAT(refusal("{"), HasSubstr("broken.json"));
  EXPECT_THAT(refusal(good.substr(0, good.size() / 2)), HasSubstr("broken.json"));
  EXPECT_THAT(refusal("[]"), HasSubstr("broken.json"));
}

TEST_F(ReportTest, CountsOfClassesHaveTheirShape) {
  ReportInputs inputs = example::inputs();
  for (SubjectInputs& subject : inputs.subjects) {
    for (Prediction& p : subject.parts[0].predictions) {
      p.gold = "SA" + p.gold;
      if (p.parsed) p.predicted = "SA" + p.predicted;
      p.selected = "SA" + p.selected;
    }
  }
  const std::string good = text(build_report(inputs));
  EXPECT_EQ(refusal(good), "no error");
  const auto changed = [&](const nlohmann::ordered_json& counts) {
    auto json = nlohmann::ordered_json::parse(good);
    json["subjects"][0]["parts"][0]["classes"][0]["counts"] = counts;
    return refusal(json.dump());
  };
  EXPECT_THAT(changed({{1, 2}}), HasSubstr("counts"));
  EXPECT_THAT(changed("x"), HasSubstr("counts"));
  EXPECT_THAT(changed({{0, 0, 0, 0, 0}, {0, 0, 0, 0, 0}, {0, 0, 0, 0, 0}, {0, 0, -1, 0, 0}}),
              HasSubstr("counts"));
}

}  // namespace
}  // namespace telora
