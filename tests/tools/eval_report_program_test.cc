// lora-eval compare and report as a user meets them; no model is needed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/files.h"
#include "tests/golden/scratch.h"
#include "tests/scoring/synthetic.h"
#include "tests/tools/program.h"

namespace telora {
namespace {

using golden::Scratch;
using testing::HasSubstr;

class EvalReportProgram : public testing::Test {
 protected:
  EvalReportProgram() {
    create_folders(folder_ / "run");
    write_predictions(base_, synthetic::predictions({.right = 0.2, .seed = 1}));
    write_predictions(folder_ / "run/predictions.jsonl",
                      synthetic::predictions({.right = 0.7, .seed = 2}));
  }

  // Runs lora-eval, which must fail with one line and leave the folder as it was.
  void expect_refused(const std::vector<std::string>& arguments, int code,
                      const std::string& part) const {
    const std::string before = folder_state(folder_.path());
    const ProgramResult result = run_program("lora-eval", arguments);
    EXPECT_EQ(result.exit_code, code) << result.err;
    EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
    EXPECT_THAT(result.err, HasSubstr(part));
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(folder_state(folder_.path()), before);
  }

  Scratch folder_;
  const std::string run_ = folder_ / "run";
  const std::string base_ = folder_ / "run/predictions-base.jsonl";
};

TEST_F(EvalReportProgram, CompareSaysWhichIsBetter) {
  const ProgramResult text = run_program("lora-eval", {"compare", run_ + ":base", run_});
  ASSERT_EQ(text.exit_code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("The second is better than the first"));
  const ProgramResult json = run_program("lora-eval", {"compare", run_ + ":base", run_, "--json"});
  const auto pair = nlohmann::json::parse(json.out).at("pairs").at(0);
  EXPECT_EQ(pair.at("finding"), "better");
  EXPECT_EQ(pair.at("n"), 300);
}

TEST_F(EvalReportProgram, CompareRefusesInOneLine) {
  const std::string other = folder_ / "other.jsonl";
  auto rows = synthetic::predictions({});
  const auto expect_changed = [&](auto change, const std::string& part) {
    auto changed = rows;
    for (Prediction& p : changed) change(p);
    write_predictions(other, changed);
    expect_refused({"compare", base_, other}, 65, part);
  };
  expect_changed([](Prediction& p) { p.split_method = "sk"; }, "sk");
  expect_changed([](Prediction& p) { p.split_seed = 7; }, "seed 7");
  expect_changed([](Prediction& p) { p.parser = "lenient"; }, "lenient");
  expect_changed([](Prediction& p) { p.id += "x"; }, "made-up/test-0");
  expect_changed([](Prediction& p) { p.id = "made-up/1"; }, "twice");
  const std::string good = read_text(base_);
  publish(other, good.substr(0, good.size() - 30));
  expect_refused({"compare", base_, other}, 65, "other.jsonl");
  expect_refused({"compare", base_}, 64, "pairs");
  expect_refused({"compare", base_, folder_ / "nowhere"}, 66, "nowhere");
  expect_refused({"compare", base_, run_, "--metric", "luck"}, 64, "luck");
}

TEST_F(EvalReportProgram, ReportWritesBothFilesAndTheSameOnesAgain) {
  const ProgramResult first = run_program("lora-eval", {"report", run_});
  ASSERT_EQ(first.exit_code, 0) << first.err;
  EXPECT_THAT(first.out, HasSubstr("An improvement: adapter"));
  const std::string state = folder_state(run_);
  ASSERT_EQ(run_program("lora-eval", {"report", run_}).exit_code, 0);
  EXPECT_EQ(folder_state(run_), state);
  EXPECT_EQ(read_report(folder_ / "run/report.json").subjects.size(), 2U);
  EXPECT_THAT(read_text(folder_ / "run/report.html"), HasSubstr("</html>"));
}

TEST_F(EvalReportProgram, ReportRefusesAndWritesNothing) {
  publish(folder_ / "run/report.json", R"({"report_version": 3})");
  expect_refused({"report", run_}, 65, "written by a newer telora");
  std::filesystem::remove(folder_ / "run/report.json");
  create_folders(folder_ / "empty");
  expect_refused({"report", folder_ / "empty"}, 66, "no predictions");
  expect_refused({"report", run_, run_}, 64, "--out");
  const std::string good = read_text(base_);
  publish(base_, good + good.substr(0, good.find('\n') + 1));
  expect_refused({"report", run_}, 65, "twice");
}

}  // namespace
}  // namespace telora
