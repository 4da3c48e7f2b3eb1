// lora-data lint and split as a user meets them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/files.h"
#include "tests/golden/scratch.h"
#include "tests/tools/program.h"

namespace telora {
namespace {

using golden::Scratch;
using testing::HasSubstr;
using testing::Not;

// Six rows of each category given; row 5 is row 0 again.
std::string rows(const std::string& word) {
  std::string lines;
  for (const char* what : {"timer", "bearer", "slice", "beam", "frame", "timer"}) {
    lines += R"({"question": "Which )" + word + " starts the " + what +
             R"( of the cell?", "choices": ["1. a )" + what + R"(", "2. b"], "answer": 0})" + "\n";
  }
  return lines;
}

class DataProgram : public testing::Test {
 protected:
  void SetUp() override {
    publish(folder_ / "oranbench.jsonl", rows("node"));
    publish(folder_ / "srsranbench.jsonl", rows("layer"));
  }
  ProgramResult lint(std::vector<std::string> more) const {
    more.insert(more.begin(), {"lint", "--data", folder_.path()});
    return run_program("lora-data", more);
  }
  Scratch folder_;
};

TEST_F(DataProgram, LintTakesEveryCategoryThatHasAFile) {
  const ProgramResult text = lint({});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("py / hf / sk / group"));
  EXPECT_THAT(text.out, HasSubstr("2 rows in 1 clusters are one item"));
  EXPECT_THAT(text.out, HasSubstr("0 questions are asked by more than one category"));
  EXPECT_THAT(text.out, Not(HasSubstr("teleqna")));
}

TEST_F(DataProgram, LintAsJson) {
  const ProgramResult result = lint({"--category", "oran-bench", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto value = nlohmann::json::parse(result.out);
  ASSERT_EQ(value["categories"].size(), 1U);
  const auto& found = value["categories"][0];
  EXPECT_EQ(found["category"], "oran-bench");
  EXPECT_EQ(found["rows"], 6);
  EXPECT_EQ(found["same_question"]["rows"], 2);
  EXPECT_EQ(found["same_question"]["largest"], 2);
  EXPECT_EQ(found["groups"], 5);
  EXPECT_TRUE(found["lite_rows"].is_null());
  EXPECT_EQ(found["leaks"]["item"].size(), 4U);
  EXPECT_EQ(result.out, lint({"--category", "oran-bench", "--json"}).out);
}

TEST_F(DataProgram, StrictLintRefusesExactTestDuplicates) {
  // Every row is the same item, so any split has one on both sides.
  std::string same;
  for (int i = 0; i < 6; ++i) same += rows("node").substr(0, rows("node").find('\n') + 1);
  publish(folder_ / "oranbench.jsonl", same);
  const std::vector<std::string> one = {"--category", "oran-bench", "--strict", "--split-method"};
  std::vector<std::string> py = one, group = one;
  py.emplace_back("py");
  group.emplace_back("group");
  expect_refused(lint(py), 65, {"split py", "exactly a training row", "--split-method group"});
  EXPECT_EQ(lint(group).exit_code, 0);
}

TEST_F(DataProgram, WrongLintRequestsAreOneLine) {
  expect_refused(lint({"--category", "teletables"}), 66, {"teletables.jsonl"});
  expect_refused(lint({"--category", "teletable"}), 64, {"did you mean teletables?"});
  expect_refused(lint({"--split-method", "grup"}), 64, {"did you mean group?"});
  expect_refused(lint({"--lite", folder_ / "nowhere"}), 66, {"nowhere", "--lite"});
  publish(folder_ / "oranbench.jsonl", "{}\n");
  expect_refused(lint({}), 65, {"oranbench.jsonl", "question"});
}

TEST_F(DataProgram, SplitHoldsLiteRowsOut) {
  std::filesystem::create_directory(folder_ / "lite");
  publish(folder_ / "lite/oranbench.jsonl", rows("node").substr(0, rows("node").find('\n') + 1));
  const std::vector<std::string> arguments = {"split",  "--category",    "oran-bench",
                                              "--data", folder_.path(),  "--hold-out-lite",
                                              "--lite", folder_ / "lite"};
  const ProgramResult result = run_program("lora-data", arguments);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("2 rows of the published small file held out of training"));
  EXPECT_THAT(result.out, HasSubstr("3 training, 1 validation, 2 test"));
  const std::vector<std::string> without(arguments.begin(), arguments.end() - 2);
  expect_refused(run_program("lora-data", without), 66, {"oran-bench", "--lite DIR"});
}

TEST_F(DataProgram, SplitShowsTheConstantsOfNumbers) {
  std::string lines;
  for (int i = 0; i < 10; ++i) {
    lines += R"({"question": "How much is )" + std::string(static_cast<size_t>(i) + 1, 'x') +
             R"(?", "answer": )" + (i % 2 == 0 ? "5.0" : "0.001") + "}\n";
  }
  publish(folder_ / "telemath.jsonl", lines);
  const ProgramResult result = run_program(
      "lora-data",
      {"split", "--category", "telemath", "--data", folder_.path(), "--split-method", "py"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("best constant answer ("));
  EXPECT_THAT(result.out, HasSubstr("always 0"));
}

}  // namespace
}  // namespace telora
