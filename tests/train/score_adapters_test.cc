// lora-eval's own path over real runs of a small model: together as alone, parts, rotations, costs.
#include "eval/score_adapters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "core/error.h"
#include "core/files.h"
#include "data/category.h"
#include "data/option_rotation.h"
#include "data/source.h"
#include "tests/train/tiny_bench.h"
#include "train/run.h"

namespace telora {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ScoreAdapters : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    bench_ = new TinyBench;
    train("plain", {"rank=2"});
    train("wide", {"rank=5", "seed=3", "target_modules=q_proj,down_proj"});
    train("dora", {"rank=2", "use_dora=true"});
  }
  static void TearDownTestSuite() { delete bench_; }
  static void train(const std::string& name, std::vector<std::string> settings) {
    RunRequest request;
    request.recipe = bench_->recipe("oran-bench", std::move(settings));
    request.out = *bench_ / name;
    request.evaluate_test = false;
    run_training(request, {});
  }

  ScoreRequest request(const std::vector<std::string>& adapters, const std::string& out) const {
    ScoreRequest request;
    request.category = "oran-bench";
    request.backbone = (*bench_ / "model").string();
    request.chat_template = "smollm2";
    request.data = (*bench_ / "data").string();
    request.split_method = "sk";
    request.precision = "f32";
    request.max_new_tokens = 3;
    for (const std::string& adapter : adapters) request.adapters.push_back(*bench_ / adapter);
    request.out = *bench_ / out;
    create_folders(request.out);
    return request;
  }
  static std::string predictions(const std::string& out, const std::string& name) {
    return read_text(*bench_ / out / ("predictions-" + name + ".jsonl"));
  }

  static TinyBench* bench_;
};

TinyBench* ScoreAdapters::bench_ = nullptr;

TEST_F(ScoreAdapters, TogetherEachAnswersAsAlone) {
  ScoreRequest all = request({"plain", "wide"}, "all");
  all.majority.samples = 3;
  score_adapters(all);
  for (const char* name : {"plain", "wide"}) {
    ScoreRequest one = request({name}, std::string("only-") + name);
    one.majority.samples = 3;
    score_adapters(one);
    EXPECT_EQ(predictions("all", name), predictions(std::string("only-") + name, name));
  }
  ScoreRequest base = request({}, "nothing");
  base.majority.samples = 3;
  score_adapters(base);
  EXPECT_EQ(predictions("all", "base"), predictions("nothing", "base"));
  EXPECT_NE(predictions("all", "plain"), predictions("all", "wide"));
}

// DoRA cannot share a pass: the three are scored one after the other.
TEST_F(ScoreAdapters, AmongOthersDoraAnswersAsAlone) {
  score_adapters(request({"plain", "dora"}, "with-dora"));
  score_adapters(request({"dora"}, "only-dora"));
  score_adapters(request({"plain"}, "only-plain"));
  EXPECT_EQ(predictions("with-dora", "dora"), predictions("only-dora", "dora"));
  EXPECT_EQ(predictions("with-dora", "plain"), predictions("only-plain", "plain"));
}

TEST_F(ScoreAdapters, HowManyTokensAPassTakesDoesNotMatter) {
  ScoreRequest few = request({"plain"}, "few"), many = request({"plain"}, "many");
  few.tokens_per_pass = 1;
  score_adapters(few);
  score_adapters(many);
  for (const char* name : {"base", "plain"})
    EXPECT_EQ(predictions("few", name), predictions("many", name));
}

TEST_F(ScoreAdapters, PartsAreScoredBesideEachOther) {
  ScoreRequest both = request({"plain"}, "both");
  both.parts = {"test", "train"};
  const Report report = score_adapters(both);
  EXPECT_EQ(report.rows.training, 12);
  std::map<std::string, int> parts;
  for (const Prediction& p : read_predictions(*bench_ / "both" / "predictions-plain.jsonl"))
    ++parts[p.split];
  EXPECT_EQ(parts, (std::map<std::string, int>{{"test", 4}, {"train", 12}}));
  both.limit = 3;
  both.out.clear();
  score_adapters(both);
  both.parts = {"test", "test"};
  EXPECT_THROW(score_adapters(both), Error);
  both.parts = {"tset"};
  EXPECT_THROW(score_adapters(both), Error);
}

// Every other order is asked, and its letter is read back in the order of the question as it is.
TEST_F(ScoreAdapters, RotationsSpeakOfTheOriginalOptions) {
  ScoreRequest turned = request({"plain"}, "turned");
  turned.rotate = true;
  score_adapters(turned);
  for (const Prediction& p : read_predictions(*bench_ / "turned" / "predictions-plain.jsonl")) {
    std::vector<int64_t> shifts;
    for (const Rotation& rotation : p.rotations) {
      shifts.push_back(rotation.shift);
      EXPECT_EQ(rotation.selected.size(), 1U);
      EXPECT_TRUE(rotation.output.has_value());
    }
    EXPECT_THAT(shifts, ElementsAre(1, 2, 3));
  }
  // A model that looks at the letter only selects the same letter in every order, which is another
  // option each time.
  const Category& category = find_category("oran-bench");
  const DataSet data = load_category(find_source((*bench_ / "data").string()), category);
  const std::vector<std::string>& options = data.examples[0].options;
  std::set<size_t> originals;
  for (size_t shift = 0; shift < 4; ++shift) originals.insert(rotated_places(options, shift)[0]);
  EXPECT_EQ(originals.size(), 4U);
}

TEST_F(ScoreAdapters, CostsAreMeasured) {
  ScoreRequest request = this->request({"plain"}, "cost");
  request.cost_queries = 3;
  const Report report = score_adapters(request);
  ASSERT_EQ(report.subjects.size(), 2U);
  for (const Subject& subject : report.subjects) {
    ASSERT_TRUE(subject.cost);
    const Cost& cost = *subject.cost;
    EXPECT_EQ(cost.queries, 3);
    EXPECT_GT(cost.latency_p50_seconds, 0);
    EXPECT_GE(cost.latency_p95_seconds, cost.latency_p50_seconds);
    EXPECT_GT(*cost.first_token_seconds, 0);
    EXPECT_LE(*cost.first_token_seconds, cost.latency_p95_seconds);
    EXPECT_GT(cost.weights_bytes, 0);
    EXPECT_GT(*cost.cache_bytes, 0);
    EXPECT_GT(cost.peak_memory_bytes, cost.weights_bytes);
  }
  EXPECT_EQ(report.subjects[0].cost->adapter_bytes, 0);
  EXPECT_FALSE(report.subjects[0].cost->swap_seconds);
  EXPECT_GT(report.subjects[1].cost->adapter_bytes, 0);
  EXPECT_GT(*report.subjects[1].cost->swap_seconds, 0);
  request.cost_queries = 4;  // and one to warm up: one more than there are
  EXPECT_THROW(score_adapters(request), Error);
}

}  // namespace
}  // namespace telora
