#include "ablate/ablation.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "ablate/ablation_report.h"
#include "core/error.h"
#include "core/files.h"
#include "scoring/statistics.h"
#include "tests/golden/scratch.h"

namespace telora {
namespace {

using golden::Scratch;
using testing::HasSubstr;
using testing::Not;

constexpr int kQuestions = 200;

// A sweep's folder with runs that were never trained: answers are made up.
class AblationTest : public testing::Test {
 protected:
  void add(const std::string& rank, const std::string& seed, int64_t bytes,
           const std::function<bool(int question)>& right) {
    PlannedRun run{.name = "r" + rank + "-s" + seed,
                   .values = {{"rank", rank}, {"seed", seed}},
                   .recipe = default_recipe()};
    run.recipe.category = "oran-bench";
    const auto folder = folder_ / "runs" / run.name;
    create_folders(folder);
    std::vector<Prediction> predictions;
    for (int i = 0; i < kQuestions; ++i) {
      predictions.push_back({.id = fmt::format("q{:03}", i),
                             .split = "test",
                             .split_method = "group",
                             .split_seed = 42,
                             .parser = "inspect-legacy",
                             .group = fmt::format("g{}", i / 2),
                             .options = 4,
                             .gold = "A",
                             .predicted = right(i) ? "A" : "B",
                             .correct = right(i),
                             .parsed = true,
                             .output = "ANSWER"});
    }
    write_predictions(folder / "predictions.jsonl", predictions);
    publish(folder / "adapter_model.safetensors", std::string(static_cast<size_t>(bytes), 'x'));
    publish(folder / "summary.json",
            R"({"tokens_per_second": 100, "peak_rss_bytes": 1000000000, "train_seconds": 60,
                "steps": 20, "best_step": 10, "stopped_early": false, "parameters_trained": 5})");
    publish(folder / "metrics.jsonl",
            "{\"step\": 10, \"evaluation\": \"validation\", \"loss\": 1.5, "
            "\"selection_accuracy\": 0.4, \"best\": true}\n");
    publish(folder / "telora.json", "{}");
    plan_.runs.push_back(run);
  }
  void publish_failure(const PlannedRun& run) {
    create_folders(folder_ / "runs" / run.name);
    publish(folder_ / "runs" / run.name / "failure.txt", "the disk <is> full\n");
    plan_.runs.push_back(run);
  }
  Ablation read() const { return read_ablation(folder_.path(), plan_); }

  Scratch folder_;
  Plan plan_;
};

TEST_F(AblationTest, OneSeedEachIsMcNemar) {
  add("4", "42", 1000, [](int i) { return i < 100; });
  add("8", "42", 2000, [](int i) { return i < 104; });
  add("16", "42", 4000, [](int i) { return i < 160; });
  const Ablation ablation = read();
  ASSERT_EQ(ablation.groups.size(), 3U);
  EXPECT_DOUBLE_EQ(ablation.groups[1].accuracy, 0.52);
  EXPECT_DOUBLE_EQ(ablation.groups[1].interval.low, wilson(104, 200).low);
  EXPECT_DOUBLE_EQ(pair_of(ablation, 1, 0).p,
                   mcnemar({.only_first = 0, .only_second = 4, .n = 200}).exact);
  EXPECT_EQ(pair_of(ablation, 0, 1).finding(), Finding::kUndecided);
  EXPECT_EQ(pair_of(ablation, 0, 2).finding(), Finding::kBetter);
  EXPECT_EQ(ablation.best, 2U);
  EXPECT_EQ(ablation.smallest, 2U);
  EXPECT_TRUE(ablation.groups[0].on_front);
  EXPECT_THAT(ablation.sentence, HasSubstr("Ship rank 16: it is the best"));
}

TEST_F(AblationTest, TheSmallestThatIsAsGood) {
  add("4", "42", 1000, [](int i) { return i % 4 < 2; });
  add("8", "42", 2000, [](int i) { return i % 4 > 0 && i % 4 < 3; });
  add("16", "42", 4000, [](int i) { return i % 4 < 2 || i == 3; });
  const Ablation ablation = read();
  EXPECT_EQ(ablation.best, 2U);
  EXPECT_EQ(ablation.smallest, 0U);
  EXPECT_FALSE(ablation.groups[1].on_front);
  EXPECT_THAT(ablation.sentence, testing::AllOf(HasSubstr("Ship rank 4"), HasSubstr("rank 16"),
                                                HasSubstr("one seed does not say")));
  EXPECT_GT(ablation.detectable, 0.05);
}

TEST_F(AblationTest, SeedsAreMeansOverTheSameQuestions) {
  add("4", "1", 1000, [](int i) { return i < 80; });
  add("4", "2", 1000, [](int i) { return i < 120; });
  add("8", "1", 2000, [](int i) { return i < 150; });
  add("8", "2", 2000, [](int i) { return i < 150; });
  const Ablation ablation = read();
  ASSERT_EQ(ablation.groups.size(), 2U);
  EXPECT_DOUBLE_EQ(ablation.groups[0].accuracy, 0.5);
  EXPECT_DOUBLE_EQ(ablation.groups[0].lowest, 0.4);
  EXPECT_DOUBLE_EQ(ablation.groups[0].highest, 0.6);
  EXPECT_DOUBLE_EQ(ablation.pairs[0].difference, 0.25);
  EXPECT_EQ(ablation.pairs[0].finding(), Finding::kBetter);
  EXPECT_THAT(ablation.sentence, Not(HasSubstr("one seed")));
}

TEST_F(AblationTest, MissingRunsAreSaid) {
  add("4", "42", 1000, [](int i) { return i < 100; });
  PlannedRun failed = plan_.runs.front();
  failed.name = "r8-s42";
  failed.values[0].second = "8";
  publish_failure(failed);
  const Ablation ablation = read();
  EXPECT_EQ(ablation.runs[1].failure, "the disk <is> full");
  EXPECT_THAT(ablation.sentence, HasSubstr("1 of 2 runs are missing."));
  EXPECT_THAT(render_ablation(ablation), HasSubstr("r8-s42: failed: the disk <is> full"));
  EXPECT_THAT(render_ablation_page(ablation), HasSubstr("the disk &lt;is&gt; full"));
}

TEST_F(AblationTest, NoneScored) {
  EXPECT_EQ(read().sentence, "No run has been scored.");
  EXPECT_THAT(render_ablation_page(read()), HasSubstr("No run has been scored."));
}

TEST_F(AblationTest, OtherQuestionsCannotBeCompared) {
  add("4", "42", 1000, [](int i) { return i < 100; });
  add("8", "42", 1000, [](int i) { return i < 100; });
  const auto file = folder_ / "runs/r8-s42/predictions.jsonl";
  std::vector<Prediction> predictions = read_predictions(file);
  predictions.pop_back();
  write_predictions(file, predictions);
  EXPECT_THROW(read(), Error);
}

TEST_F(AblationTest, TheSameFilesGiveTheSameBytes) {
  add("4", "1", 1000, [](int i) { return i % 3 == 0; });
  add("8", "1", 1000, [](int i) { return i % 2 == 0; });
  write_ablation_json(folder_ / "a.json", read());
  write_ablation_json(folder_ / "b.json", read());
  EXPECT_EQ(read_text(folder_ / "a.json"), read_text(folder_ / "b.json"));
  EXPECT_EQ(render_ablation_page(read()), render_ablation_page(read()));
}

}  // namespace
}  // namespace telora
