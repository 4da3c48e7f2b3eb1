#include "scoring/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/error.h"

namespace telora {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Report example_report() {
  Report report;
  report.category = "6g-bench";
  report.backbone = "smollm2-135m";
  report.parser = "inspect-legacy";
  report.split_method = "group";
  report.split_seed = 42;
  report.rows = {2233, 744, 745};
  report.subjects = {{"base", {{kSelection, 231, 745}, {kGenerated, 209, 745, 92}}},
                     {"adapter", {{kSelection, 593, 745}, {kGenerated, 590, 745, 0}}}};
  report.baselines = {{"best constant answer (B)", 228, 745}, {"longest option", 320.5, 745}};
  report.comparisons = {{kSelection, "base", "adapter", {18, 380, 745}}};
  return report;
}

class ReportTest : public testing::Test {
 protected:
  ReportTest() {
    std::string pattern = (fs::temp_directory_path() / "report-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~ReportTest() override { fs::remove_all(folder_); }

  std::string text(const std::string& name) const {
    std::ostringstream out;
    out << std::ifstream(folder_ / name).rdbuf();
    return out.str();
  }

  std::string message_of_report(const std::string& json) const {
    std::ofstream(folder_ / "broken.json") << json;
    try {
      read_report(folder_ / "broken.json");
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kData);
      return error.what();
    }
    ADD_FAILURE() << "no error";
    return {};
  }

  fs::path folder_;
};

TEST(RenderTable, ShowsTheWholeStory) {
  EXPECT_EQ(render_table(example_report()), R"(6g-bench · smollm2-135m · 745 test questions
split group, seed 42: 2,233 training, 744 validation, 745 test

                                                   correct   accuracy   95 % interval  unparsed
  ─────────────────────────────────────────────────────────────────────────────────────────────
  base            selection accuracy            231 of 745     31.0 %    [27.8, 34.4]         –
                  generated pass@1              209 of 745     28.1 %    [24.9, 31.4]    12.3 %
  adapter         selection accuracy            593 of 745     79.6 %    [76.6, 82.3]         –
                  generated pass@1              590 of 745     79.2 %    [76.1, 82.0]     0.0 %
  ─────────────────────────────────────────────────────────────────────────────────────────────
  best constant answer (B)                      228 of 745     30.6 %
  longest option                              320.5 of 745     43.0 %

                                      against                   points       won : lost       p
  ─────────────────────────────────────────────────────────────────────────────────────────────
  adapter         selection accuracy  base                       +48.6         380 : 18   2e-89
  adapter         selection accuracy  longest option             +36.6                –   1e-92
  adapter         generated pass@1    longest option             +36.2                –   1e-90

  Generated answers read by inspect-legacy.
  p against a model: exact McNemar test on the same questions, two-sided.
  p against a rule: exact binomial test, one-sided.
)");
}

TEST(RenderTable, FitsOneHundredColumnsWhateverTheNames) {
  Report report = example_report();
  const std::string longest(300, 'x');
  report.backbone = "/" + longest + "/the-model";
  report.rows = {370368, 123456, 123456};
  for (Subject& subject : report.subjects) {
    subject.name = longest + "é";
    for (Score& score : subject.scores) score = {longest, 123456, 123456, 123456};
  }
  report.baselines[0] = {longest, 123455.5, 123456};
  report.comparisons[0] = {longest, longest, longest, {61728, 61728, 123456}};
  std::istringstream lines(render_table(report));
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(std::ranges::count_if(line, [](char c) { return (c & 0xC0) != 0x80; }), 100) << line;
  }
  EXPECT_THAT(render_table(report), HasSubstr("/the-model"));
}

TEST(RenderTable, ABaseAloneIsTestedAgainstTheBestRule) {
  Report report = example_report();
  report.subjects.resize(1);
  report.comparisons.clear();
  const std::string table = render_table(report);
  EXPECT_THAT(table, AllOf(HasSubstr("-12.0"), HasSubstr("1.000"), Not(HasSubstr("McNemar"))));
}

TEST(RenderTable, SaysHowVotesWereMadeAndCountsThePartThatWasScored) {
  Report report = example_report();
  report.part = "train";
  report.majority = {4, {.temperature = 0.7, .top_p = 1}, 42};
  report.subjects[0].scores.push_back({majority_name(4), 300, 2233, 12});
  const std::string table = render_table(report);
  EXPECT_THAT(table, HasSubstr("2,233 train questions"));
  EXPECT_THAT(table, HasSubstr("generated maj@4             300 of 2,233     13.4 %"));
  EXPECT_THAT(table, HasSubstr("maj@4: most frequent of 4 answers at temperature 0.7, top-p "
                               "1, seed 42; of equals the first."));
}

TEST(RenderTable, AnEmptyReportHasNoNumbersToDivide) {
  EXPECT_THAT(render_table(Report{}), Not(HasSubstr("nan")));
}

TEST(Tally, CountsRightAndUnparsed) {
  const std::vector<Prediction> predictions = {{.id = "a", .correct = true, .parsed = true},
                                               {.id = "b", .correct = false, .parsed = false},
                                               {.id = "c", .correct = false, .parsed = true}};
  const Score score = tally(kGenerated, predictions, true);
  EXPECT_EQ(score.correct, 1);
  EXPECT_EQ(score.n, 3);
  EXPECT_EQ(score.unparsed, 1);
  EXPECT_EQ(tally(kSelection, predictions, false).unparsed, std::nullopt);
}

TEST(Tally, CountsVotesAndThoseThatNoSampleTookPartIn) {
  const std::vector<Prediction> predictions = {{.correct = true, .voted = "A"},
                                               {.voted = "B", .voted_correct = true},
                                               {.correct = true, .voted = ""}};
  const Score score = tally_votes(majority_name(4), predictions);
  EXPECT_EQ(score.name, "generated maj@4");
  EXPECT_EQ(score.correct, 1);
  EXPECT_EQ(score.n, 3);
  EXPECT_EQ(score.unparsed, 1);
}

TEST(Compare, PairsById) {
  const std::vector<Prediction> first = {
      {.id = "a", .correct = true}, {.id = "b", .correct = true}, {.id = "c", .correct = false}};
  const std::vector<Prediction> second = {
      {.id = "c", .correct = true}, {.id = "a", .correct = true}, {.id = "b", .correct = false}};
  const Comparison comparison = compare(kSelection, "base", first, "adapter", second);
  EXPECT_EQ(comparison.counts.only_first, 1);
  EXPECT_EQ(comparison.counts.only_second, 1);
  EXPECT_EQ(comparison.counts.n, 3);
}

TEST(Compare, CountsVotesWhereTheyAreAskedFor) {
  const std::vector<Prediction> first = {{.id = "a", .correct = true}, {.id = "b"}};
  const std::vector<Prediction> second = {{.id = "a", .voted_correct = true},
                                          {.id = "b", .voted_correct = true}};
  const Comparison votes =
      compare("maj@4", "base", first, "adapter", second, &Prediction::voted_correct);
  EXPECT_EQ(votes.counts.only_second, 2);
  EXPECT_EQ(compare("m", "base", first, "adapter", second).counts.only_first, 1);
}

TEST(Compare, RefusesOtherQuestions) {
  const std::vector<Prediction> first = {{.id = "a"}, {.id = "b"}};
  EXPECT_THROW(compare("m", "base", first, "adapter", {{.id = "a"}}), Error);
  EXPECT_THROW(compare("m", "base", first, "adapter", {{.id = "a"}, {.id = "c"}}), Error);
  EXPECT_THROW(compare("m", "base", first, "adapter", {{.id = "a"}, {.id = "a"}}), Error);
  EXPECT_THROW(compare("m", "base", {{.id = "a"}, {.id = "a"}}, "adapter", first), Error);
}

TEST_F(ReportTest, PredictionsReadBack) {
  const std::vector<Prediction> predictions = {{.id = "6g-bench/0",
                                                .split = "test",
                                                .split_method = "sk",
                                                .split_seed = 42,
                                                .parser = "lenient",
                                                .group = "g1",
                                                .options = 3,
                                                .gold = "B",
                                                .predicted = "B",
                                                .correct = true,
                                                .parsed = true,
                                                .option_logprobs = {-0.25, -1.5, -INFINITY},
                                                .selected = "A",
                                                .output = "ANSWER: B",
                                                .readings = {{"inspect-current", "B", true}},
                                                .rotations = {{1, "A", "", std::nullopt}}},
                                               {.id = "6g-bench/7", .split = "test", .gold = "A"}};
  write_predictions(folder_ / "predictions.jsonl", predictions);
  EXPECT_EQ(
      text("predictions.jsonl"),
      R"({"id":"6g-bench/0","split":"test","split_method":"sk","split_seed":42,"parser":"lenient",)"
      R"("group":"g1","options":3,"gold":"B","predicted":"B","correct":true,"parsed":true,)"
      R"("option_logprobs":[-0.25,-1.5,null],"selected":"A","selected_by_length":null,)"
      R"("output":"ANSWER: B",)"
      R"("readings":[{"parser":"inspect-current","predicted":"B","correct":true}],)"
      R"("rotations":[{"shift":1,"selected":"A","predicted":null,"output":null}]})"
      "\n"
      R"({"id":"6g-bench/7","split":"test","split_method":"","split_seed":0,"parser":"","group":"",)"
      R"("options":0,"gold":"A","predicted":null,"correct":false,"parsed":false,)"
      R"("option_logprobs":[],"selected":null,"selected_by_length":null,"output":null})"
      "\n");
  const std::vector<Prediction> read = read_predictions(folder_ / "predictions.jsonl");
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[0].option_logprobs, predictions[0].option_logprobs);
  EXPECT_EQ(read[0].output, "ANSWER: B");
  EXPECT_TRUE(read[0].correct && read[0].parsed);
  EXPECT_EQ(read[1].predicted, "");
  EXPECT_EQ(read[1].output, std::nullopt);
}

TEST_F(ReportTest, OutputCutWithinACharacterIsWritten) {
  write_predictions(folder_ / "p.jsonl",
                    {{.id = "x", .output = "caf\xc3", .samples = {{.output = "\xc3"}}}});
  const Prediction read = read_predictions(folder_ / "p.jsonl").at(0);
  EXPECT_EQ(read.output, "caf\xef\xbf\xbd");
  EXPECT_EQ(read.samples.at(0).output, "\xef\xbf\xbd");
}

TEST_F(ReportTest, SamplesAndTheirVoteReadBack) {
  const Prediction voted = {.id = "a",
                            .output = "ANSWER: A",
                            .samples = {{"ANSWER: B", "B", true}, {"no idea", ""}},
                            .voted = "B",
                            .voted_correct = true};
  const Prediction unread = {.id = "b", .output = "", .samples = {{"x", ""}}};
  write_predictions(folder_ / "p.jsonl", {voted, unread});
  EXPECT_THAT(text("p.jsonl"),
              HasSubstr(R"("samples":[{"output":"ANSWER: B","predicted":"B","correct":true},)"
                        R"({"output":"no idea","predicted":null,"correct":false}],)"
                        R"("voted":"B",)"
                        R"("voted_correct":true})"));
  const std::vector<Prediction> read = read_predictions(folder_ / "p.jsonl");
  EXPECT_EQ(read.at(0).samples.at(1).output, "no idea");
  EXPECT_EQ(read.at(0).samples.at(0).predicted, "B");
  EXPECT_TRUE(read.at(0).voted == "B" && read.at(0).voted_correct);
  EXPECT_TRUE(read.at(1).voted.empty() && !read.at(1).voted_correct);
}

TEST_F(ReportTest, ReportReadsBack) {
  write_report(folder_ / "report.json", example_report());
  const std::string before = text("report.json");
  const Report read = read_report(folder_ / "report.json");
  EXPECT_EQ(render_table(read), render_table(example_report()));
  write_report(folder_ / "report.json", read);
  EXPECT_EQ(text("report.json"), before);
}

TEST_F(ReportTest, HowVotesWereMadeReadsBack) {
  Report report = example_report();
  report.majority = {8, {.temperature = 1.5, .top_p = 0.9}, 7};
  write_report(folder_ / "report.json", report);
  const MajoritySettings read = read_report(folder_ / "report.json").majority;
  EXPECT_EQ(read.samples, 8);
  EXPECT_EQ(read.sampling.temperature, 1.5);
  EXPECT_EQ(read.sampling.top_p, 0.9);
  EXPECT_EQ(read.seed, 7u);
}

TEST_F(ReportTest, ReportHoldsWhatReadersNeed) {
  write_report(folder_ / "report.json", example_report());
  const nlohmann::json value = nlohmann::json::parse(text("report.json"));
  const nlohmann::json& score = value.at("subjects").at(1).at("scores").at(1);
  EXPECT_EQ(score.at("name"), "generated pass@1");
  EXPECT_NEAR(score.at("rate").get<double>(), 590.0 / 745, 1e-12);
  EXPECT_NEAR(score.at("wilson_95").at(0).get<double>(), 0.761, 5e-4);
  EXPECT_EQ(value.at("parser"), "inspect-legacy");
  EXPECT_EQ(value.at("rows").at("validation"), 744);
  EXPECT_LT(value.at("comparisons").at(0).at("mcnemar_exact_p").get<double>(), 1e-80);
}

TEST_F(ReportTest, ReportsThatMakeNoSenseAreRefused) {
  write_report(folder_ / "report.json", example_report());
  const auto changed = [&](const char* pointer, const nlohmann::ordered_json& value) {
    auto json = nlohmann::ordered_json::parse(text("report.json"));
    json[nlohmann::ordered_json::json_pointer(pointer)] = value;
    return message_of_report(json.dump());
  };
  EXPECT_THAT(changed("/report_version", 2), HasSubstr("report_version"));
  EXPECT_THAT(changed("/subjects/0/scores/0/correct", 746), HasSubstr("correct"));
  EXPECT_THAT(changed("/subjects/0/scores/1/unparsed", -1), HasSubstr("unparsed"));
  EXPECT_THAT(changed("/comparisons/0/only_second", 728), HasSubstr("only_second"));
  EXPECT_THAT(changed("/rows", 3), HasSubstr("rows"));
  EXPECT_THAT(changed("/pat", "test"), AllOf(HasSubstr("pat"), HasSubstr("part")));
  EXPECT_THAT(message_of_report("{"), HasSubstr("broken.json"));
}

}  // namespace
}  // namespace telora
