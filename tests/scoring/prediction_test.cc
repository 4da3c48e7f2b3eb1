#include "scoring/prediction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "core/files.h"
#include "scoring/majority.h"
#include "tests/golden/scratch.h"

namespace telora {
namespace {

using testing::HasSubstr;

class PredictionFile : public testing::Test {
 protected:
  // What is said of a file that starts with a good line and goes on with `line`.
  std::string refusal(const std::string& line) const {
    write_predictions(folder_ / "good.jsonl", {{.id = "a", .gold = "A"}});
    publish(folder_ / "bad.jsonl", read_text(folder_ / "good.jsonl") + line + "\n");
    try {
      read_predictions(folder_ / "bad.jsonl");
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kData);
      return error.what();
    }
    return "no error";
  }

  golden::Scratch folder_;
};

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

TEST(SelectionAccuracy, PlainAndBalanced) {
  std::vector<Prediction> predictions;
  const auto add = [&](int count, const char* gold, const char* selected) {
    for (int i = 0; i < count; ++i) predictions.push_back({.gold = gold, .selected = selected});
  };
  EXPECT_EQ(selection_accuracy(predictions), 0);
  EXPECT_EQ(balanced_accuracy(predictions), 0);
  add(6, "A", "A");
  add(1, "B", "A");
  add(1, "C", "A");
  EXPECT_DOUBLE_EQ(selection_accuracy(predictions), 0.75);
  EXPECT_DOUBLE_EQ(balanced_accuracy(predictions), 1.0 / 3);  // a constant answer, three answers
  add(1, "B", "B");
  EXPECT_DOUBLE_EQ(balanced_accuracy(predictions), (1 + 0.5 + 0) / 3);
}

TEST_F(PredictionFile, PredictionsReadBack) {
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
      read_text(folder_ / "predictions.jsonl"),
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

TEST_F(PredictionFile, OutputCutWithinACharacterIsWritten) {
  write_predictions(folder_ / "p.jsonl",
                    {{.id = "x", .output = "caf\xc3", .samples = {{.output = "\xc3"}}}});
  const Prediction read = read_predictions(folder_ / "p.jsonl").at(0);
  EXPECT_EQ(read.output, "caf\xef\xbf\xbd");
  EXPECT_EQ(read.samples.at(0).output, "\xef\xbf\xbd");
}

TEST_F(PredictionFile, SamplesAndTheirVoteReadBack) {
  const Prediction voted = {.id = "a",
                            .output = "ANSWER: A",
                            .samples = {{"ANSWER: B", "B", true}, {"no idea", ""}},
                            .voted = "B",
                            .voted_correct = true};
  const Prediction unread = {.id = "b", .output = "", .samples = {{"x", ""}}};
  write_predictions(folder_ / "p.jsonl", {voted, unread});
  EXPECT_THAT(read_text(folder_ / "p.jsonl"),
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

TEST_F(PredictionFile, BrokenLinesAreNamed) {
  write_predictions(folder_ / "p.jsonl", {{.id = "b", .gold = "A"}});
  std::string line = read_text(folder_ / "p.jsonl");
  line.pop_back();
  EXPECT_EQ(refusal(line), "no error");
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string other = line;
    return refusal(other.replace(other.find(from), from.size(), to));
  };
  EXPECT_THAT(refusal(line.substr(0, line.size() / 2)), HasSubstr(" at 2:"));
  EXPECT_THAT(changed("\"option_logprobs\":[]", "\"option_logprobs\":[NaN]"), HasSubstr("2:"));
  EXPECT_THAT(changed("\"option_logprobs\":[]", "\"option_logprobs\":[\"x\"]"),
              HasSubstr("option_logprobs at line 2"));
  EXPECT_THAT(changed("\"correct\"", "\"corect\""), HasSubstr("correct"));
  EXPECT_THAT(changed("\"split_seed\":0", "\"split_seed\":-1"), HasSubstr("split_seed"));
}

}  // namespace
}  // namespace telora
