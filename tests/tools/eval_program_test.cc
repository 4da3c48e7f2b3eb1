// lora-eval run as a user meets it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "core/files.h"
#include "scoring/report.h"
#include "tests/golden/scratch.h"
#include "tests/tools/program.h"

namespace telora {
namespace {

using golden::Scratch;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class EvalProgram : public testing::Test {
 protected:
  void SetUp() override {
    if (smollm2_path().empty())
      GTEST_SKIP() << "models/smollm2-135m-instruct.gguf is absent: run tools/setup.sh";
    ASSERT_EQ(run_program("lora-data", {"sample", "--out", folder_ / "sample"}).exit_code, 0);
    std::filesystem::create_directory(folder_ / "few");
    std::string rows;
    int count = 0;
    for_each_line(folder_ / "sample/oranbench.jsonl", [&](std::string_view line, int) {
      if (count++ < 20) rows += std::string(line) + "\n";
    });
    publish(folder_ / "few/oranbench.jsonl", rows);
  }

  // Scores the four test rows into the folder `out`.
  ProgramResult score(const std::string& out, const std::vector<std::string>& more) const {
    std::vector<std::string> arguments = {
        "run",           "--category",       "oran-bench", "--data",
        folder_ / "few", "--split-method",   "py",         "--out",
        folder_ / out,   "--max-new-tokens", "6"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program("lora-eval", arguments);
  }

  std::vector<Prediction> predictions(const std::string& out) const {
    return read_predictions(folder_ / out / "predictions-base.jsonl");
  }

  Scratch folder_;
};

TEST_F(EvalProgram, VotesAreWrittenBesideTheGreedyAnswers) {
  const ProgramResult voted = score("voted", {"--maj", "3"});
  ASSERT_EQ(voted.exit_code, 0) << voted.err;
  EXPECT_THAT(voted.out, HasSubstr("generated maj@3"));
  EXPECT_THAT(voted.out, HasSubstr("temperature 0.7, top-p 1, seed 42"));
  EXPECT_EQ(read_report(folder_ / "voted/report.json").majority.samples, 3);
  ASSERT_EQ(score("greedy", {"--no-selection"}).exit_code, 0);
  const auto with = predictions("voted"), without = predictions("greedy");
  ASSERT_EQ(with.size(), 4U);
  for (size_t i = 0; i < with.size(); ++i) {
    EXPECT_EQ(with[i].output, without[i].output);
    EXPECT_EQ(with[i].samples.size(), 3U);
    EXPECT_EQ(with[i].option_logprobs.size(), 4U);
    EXPECT_TRUE(without[i].samples.empty() && without[i].option_logprobs.empty());
  }
}

TEST_F(EvalProgram, ASampleIsTheSameHoweverManyAreDrawn) {
  const std::vector<std::string> precise = {"--no-selection", "--precision", "f32"};
  const auto samples = [&](const std::string& out, const std::string& k) {
    std::vector<std::string> more = precise;
    more.insert(more.end(), {"--maj", k, "--seed", "5"});
    EXPECT_EQ(score(out, more).exit_code, 0);
    return predictions(out);
  };
  const auto two = samples("two", "2"), five = samples("five", "5");
  std::set<std::string> seen;
  for (size_t i = 0; i < two.size(); ++i) {
    for (size_t k = 0; k < 2; ++k) EXPECT_EQ(two[i].samples[k].output, five[i].samples[k].output);
    for (const Sample& sample : five[i].samples) seen.insert(sample.output);
  }
  EXPECT_GT(seen.size(), two.size());  // they are drawn, not copied
}

TEST_F(EvalProgram, SpeedIsWrittenApartFromTheScores) {
  ASSERT_EQ(score("speed", {"--no-selection"}).exit_code, 0);
  const auto summary = nlohmann::json::parse(read_text(folder_ / "speed/summary.json"));
  EXPECT_EQ(summary["questions"], 4);
  EXPECT_GT(summary["subjects"][0]["questions_per_second"], 0);
  EXPECT_GT(summary["peak_rss_bytes"], 1 << 20);
  EXPECT_THAT(read_text(folder_ / "speed/report.json"), testing::Not(HasSubstr("seconds")));
  const Report report = read_report(folder_ / "speed/report.json");
  EXPECT_NE(find_score(report, "base", "test", kGenerated), nullptr);
  EXPECT_EQ(find_score(report, "base", "test", kSelection), nullptr);
}

TEST_F(EvalProgram, SettingsOfAVoteNeedAVoteAndMakeSense) {
  EXPECT_EQ(score("x", {"--temperature", "1"}).exit_code, 64);
  const ProgramResult none = score("x", {"--maj", "0"});
  EXPECT_EQ(none.exit_code, 64);
  EXPECT_THAT(none.err, AllOf(HasSubstr("--maj"), Not(HasSubstr("did you mean"))));
  EXPECT_EQ(score("x", {"--maj", "2", "--top-p", "0"}).exit_code, 64);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "x"));
}

}  // namespace
}  // namespace telora
