// Folders of predictions: what a user may name, and what a report is gathered from.
#include "scoring/prediction_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "scoring/compare_files.h"
#include "scoring/gather.h"
#include "tests/golden/scratch.h"
#include "tests/scoring/synthetic.h"

namespace telora {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class PredictionFolders : public testing::Test {
 protected:
  void write(const std::string& file, const synthetic::Options& options) const {
    create_folders((folder_ / file).parent_path());
    write_predictions(folder_ / file, synthetic::predictions(options));
  }
  // A run's folder: base and adapter on the test part, the adapter on its training part too.
  void write_run(const std::string& name) const {
    write(name + "/predictions-base.jsonl", {.right = 0.2, .seed = 1});
    write(name + "/predictions.jsonl", {.right = 0.7, .seed = 2});
    write(name + "/predictions-train.jsonl", {.part = "train", .right = 0.9, .seed = 2});
  }
  std::string at(const std::string& name) const { return (folder_ / name).string(); }

  template <typename Call>
  std::string refusal(ErrorKind kind, const Call& call) const {
    try {
      call();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.what();
      return error.what();
    }
    return "no error";
  }

  golden::Scratch folder_;
};

TEST_F(PredictionFolders, SubjectsAreNamedByTheirFiles) {
  write_run("run");
  write("run/predictions-other.jsonl", {});
  publish(folder_ / "run/predictions.txt", "x");
  publish(folder_ / "run/predictionsx.jsonl", "x");
  std::vector<std::string> names;
  for (const PredictionFiles& files : prediction_files(folder_ / "run"))
    names.push_back(files.name);
  EXPECT_THAT(names, ElementsAre("base", "adapter", "other"));
  EXPECT_EQ(find_predictions(at("run")).size(), 600u);  // both parts of the adapter
  EXPECT_EQ(find_predictions(at("run:base")).size(), 300u);
  EXPECT_EQ(find_predictions(at("run/predictions-other.jsonl")).size(), 300u);
}

TEST_F(PredictionFolders, WhatCannotBeMeantIsRefusedWithTheChoices) {
  write("two/predictions-a.jsonl", {});
  write("two/predictions-b.jsonl", {});
  const auto find = [&](const std::string& name) {
    return [this, name] { find_predictions(at(name)); };
  };
  EXPECT_THAT(refusal(ErrorKind::kUsage, find("two")), AllOf(HasSubstr(":a"), HasSubstr(":b")));
  EXPECT_THAT(refusal(ErrorKind::kMissing, find("two:c")), HasSubstr(":b"));
  EXPECT_THAT(refusal(ErrorKind::kMissing, find("nowhere")), HasSubstr("nowhere"));
  create_folders(folder_ / "empty");
  refusal(ErrorKind::kMissing, find("empty"));
  publish(folder_ / "empty/predictions.jsonl", "");
  refusal(ErrorKind::kMissing, find("empty"));
  const std::string twice = read_text(folder_ / "two/predictions-a.jsonl");
  publish(folder_ / "two/predictions-b.jsonl", twice + twice);
  EXPECT_THAT(refusal(ErrorKind::kData, find("two:b")), HasSubstr("twice"));
}

TEST_F(PredictionFolders, AReportIsGatheredFromThem) {
  write_run("run");
  const Report report = build_report(gather_inputs({at("run")}));
  ASSERT_EQ(report.subjects.size(), 2u);
  EXPECT_EQ(report.subjects[0].name, kBaseName);
  EXPECT_EQ(report.subjects[1].parts.size(), 2u);
  EXPECT_EQ(report.subjects[1].gaps.empty(), false);
  EXPECT_EQ(report.rows.test, 300);
  EXPECT_THAT(best_baseline(report, "test")->name, HasSubstr("in hindsight"));
  EXPECT_EQ(report.parser_version.substr(0, 14), "inspect-legacy");
  EXPECT_TRUE(report.verdicts.at(1).improvement);
}

TEST_F(PredictionFolders, SeveralFoldersShareOneBase) {
  write_run("one");
  write_run("two");
  const ReportInputs inputs = gather_inputs({at("one"), at("two")});
  std::vector<std::string> names;
  for (const SubjectInputs& subject : inputs.subjects) names.push_back(subject.name);
  EXPECT_THAT(names, ElementsAre("base", "one", "two"));
}

TEST_F(PredictionFolders, WhatWasMeasuredBeforeIsKept) {
  write_run("run");
  ReportInputs inputs = gather_inputs({at("run")});
  inputs.backbone = "the model";
  inputs.digests["data"] = "ab";
  inputs.rows = {900, 300, 300};
  inputs.subjects[1].cost = Cost{.queries = 30, .latency_p50_seconds = 1, .peak_memory_bytes = 1};
  inputs.baselines[0].baselines = {{"longest option", 100, 300}};
  write_report(folder_ / "run/report.json", build_report(inputs));
  const Report again = build_report(gather_inputs({at("run")}));
  EXPECT_EQ(again.backbone, "the model");
  EXPECT_EQ(again.digests.at("data"), "ab");
  EXPECT_EQ(again.rows.training, 900);
  EXPECT_EQ(again.subjects[1].cost->queries, 30);
  EXPECT_EQ(best_baseline(again, "test")->name, "longest option");
  write_report(folder_ / "again.json", again);
  EXPECT_EQ(read_text(folder_ / "again.json"), read_text(folder_ / "run/report.json"));
}

TEST_F(PredictionFolders, AnOlderReportIsMadeAnewAndANewerOneIsNot) {
  write_run("run");
  publish(folder_ / "run/report.json", R"({"report_version": 1, "anything": 2})");
  EXPECT_EQ(gather_inputs({at("run")}).subjects.size(), 2u);
  publish(folder_ / "run/report.json", R"({"report_version": 3, "anything": 2})");
  EXPECT_THAT(refusal(ErrorKind::kData, [&] { gather_inputs({at("run")}); }),
              HasSubstr("newer telora"));
}

TEST_F(PredictionFolders, LinesOfOneReportBelongTogether) {
  write_run("run");
  auto rows = synthetic::predictions({});
  for (Prediction& p : rows) p.split_method = "sk";
  write_predictions(folder_ / "run/predictions-x.jsonl", rows);
  EXPECT_THAT(refusal(ErrorKind::kData, [&] { gather_inputs({at("run")}); }), HasSubstr("sk"));
}

TEST_F(PredictionFolders, TwoFilesAreCompared) {
  write_run("run");
  const auto made = compare_files({.files = {at("run:base"), at("run")}});
  ASSERT_EQ(made.size(), 1u);
  EXPECT_EQ(made[0].comparison.part, "test");
  EXPECT_EQ(made[0].comparison.metric, kGenerated);
  EXPECT_EQ(made[0].comparison.finding(), Finding::kBetter);
  const std::string text = render_comparisons(made);
  EXPECT_THAT(text, AllOf(HasSubstr("300 questions of the test part"),
                          HasSubstr("The second is better than the first: +"),
                          HasSubstr("McNemar exact p"), HasSubstr("questions to tell")));
  EXPECT_THAT(comparisons_json(made), HasSubstr("\"finding\":\"better\""));
  const auto same = compare_files({.files = {at("run"), at("run")}});
  EXPECT_EQ(same[0].comparison.finding(), Finding::kUndecided);
  EXPECT_THAT(render_comparisons(same), HasSubstr("not distinguishable from the first"));
}

TEST_F(PredictionFolders, SeveralPairsAreAdjustedTogether) {
  write_run("run");
  const std::string base = at("run:base"), adapter = at("run");
  const double alone = compare_files({.files = {base, adapter}})[0].comparison.adjusted_p;
  const auto pairs = compare_files({.files = {base, adapter, adapter, base}});
  EXPECT_NEAR(pairs[0].comparison.adjusted_p, 2 * alone, alone);
  EXPECT_EQ(pairs[1].comparison.finding(), Finding::kWorse);
  EXPECT_THAT(render_comparisons(pairs), HasSubstr("By Holm over 2 pairs"));
}

TEST_F(PredictionFolders, WhatIsNotComparableIsRefused) {
  write_run("run");
  const std::string base = at("run:base"), adapter = at("run");
  const auto compare = [&](const CompareRequest& request) {
    return [=] { compare_files(request); };
  };
  refusal(ErrorKind::kUsage, compare({.files = {base}}));
  refusal(ErrorKind::kUsage, compare({.files = {}}));
  EXPECT_THAT(refusal(ErrorKind::kUsage, compare({.files = {base, adapter}, .metric = "luck"})),
              HasSubstr("selection accuracy"));
  EXPECT_THAT(refusal(ErrorKind::kUsage, compare({.files = {base, adapter}, .part = "train"})),
              HasSubstr("one of test"));
  EXPECT_THAT(
      refusal(ErrorKind::kData, compare({.files = {base, at("run/predictions-train.jsonl")}})),
      HasSubstr("made-up"));
  auto rows = synthetic::predictions({});
  for (Prediction& p : rows) p.parser = "lenient";
  write_predictions(folder_ / "other.jsonl", rows);
  EXPECT_THAT(refusal(ErrorKind::kData, compare({.files = {base, at("other.jsonl")}})),
              HasSubstr("lenient"));
}

}  // namespace
}  // namespace telora
