// Training on another order of the options each epoch, and refusing rows that are tested on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"
#include "tests/train/tiny_bench.h"
#include "train/run.h"

namespace telora {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class RotatedOptions : public testing::Test {
 protected:
  RunRequest request(const std::string& name, std::vector<std::string> settings = {}) {
    RunRequest request;
    settings.push_back("augment=rotate_options");
    request.recipe = bench_.recipe("oran-bench", std::move(settings));
    request.out = bench_ / name;
    request.evaluate_test = false;
    return request;
  }
  std::string adapter(const std::string& name) const {
    return read_text(bench_ / name / "adapter_model.safetensors");
  }
  // The rows of each step as they were trained on, from --dump-batches.
  std::vector<std::string> batches(const std::string& file) const {
    std::vector<std::string> all;
    for_each_line(bench_ / file, [&](std::string_view line, int) { all.emplace_back(line); });
    return all;
  }
  TinyBench bench_;
};

TEST_F(RotatedOptions, RowsAreShownInOtherOrders) {
  RunRequest rotated = request("rotated", {"epochs=4", "max_steps=0"});
  rotated.dump_batches = bench_ / "rotated.jsonl";
  RunRequest plain = request("plain", {"epochs=4", "max_steps=0"});
  plain.recipe.augment = "none";
  plain.dump_batches = bench_ / "plain.jsonl";
  run_training(rotated, {});
  run_training(plain, {});
  EXPECT_NE(adapter("rotated"), adapter("plain"));
  const auto with = batches("rotated.jsonl"), without = batches("plain.jsonl");
  ASSERT_EQ(with.size(), without.size());
  size_t same = 0;
  for (size_t i = 0; i < with.size(); ++i) same += with[i] == without[i];
  EXPECT_LT(same, with.size() / 2);
}

std::vector<nlohmann::json> evaluations_of(const std::filesystem::path& run) {
  std::vector<nlohmann::json> found;
  for_each_line(run / "metrics.jsonl", [&](std::string_view line, int) {
    auto record = nlohmann::json::parse(line);
    if (record.contains("evaluation")) found.push_back(std::move(record));
  });
  return found;
}

// It is measured on other questions than the plain one, and alone decides what is best.
TEST_F(RotatedOptions, SelectionByAnswersToMovedOptions) {
  const std::vector<std::string> often = {"epochs=2", "max_steps=0", "evaluations_per_epoch=4",
                                          "patience=0"};
  const auto with = [&](const char* metric) {
    std::vector<std::string> settings = often;
    settings.push_back(std::string("selection_metric=") + metric);
    run_training(request(metric, settings), {});
    return evaluations_of(bench_ / metric);
  };
  const auto plain = with("selection_accuracy"), rotated = with("rotated_accuracy");
  ASSERT_GE(rotated.size(), 4U);
  ASSERT_EQ(plain.size(), rotated.size());
  double best = -1;
  size_t other_losses = 0;
  for (size_t i = 0; i < rotated.size(); ++i) {
    EXPECT_FALSE(rotated[i].contains("selection_accuracy"));
    EXPECT_FALSE(plain[i].contains("rotated_accuracy"));
    const double value = rotated[i].at("rotated_accuracy");
    EXPECT_EQ(rotated[i].at("best"), value > best);
    best = std::max(best, value);
    other_losses += rotated[i].at("loss") != plain[i].at("loss");
  }
  EXPECT_EQ(other_losses, rotated.size());
}

TEST_F(RotatedOptions, ResumesBitForBit) {
  run_training(request("whole"), {});
  for (const int64_t step : {1, 4, 6}) {
    const std::string name = "stopped-" + std::to_string(step);
    RunRequest one = request(name);
    bool stop = false;
    RunWatcher watcher;
    watcher.stop_asked = [&stop] { return stop; };
    watcher.on_step = [&](const StepRecord& r, int64_t) { stop = r.step == step; };
    ASSERT_EQ(run_training(one, watcher).end, RunEnd::kInterrupted);
    one.resume = true;
    ASSERT_EQ(run_training(one, {}).end, RunEnd::kFinished);
    EXPECT_EQ(adapter(name), adapter("whole")) << step;
  }
}

TEST_F(RotatedOptions, ClassesHaveNoOptionsToRotate) {
  std::ofstream(bench_ / "data/three_gpp.jsonl") << [] {
    std::string lines;
    for (int i = 0; i < 20; ++i) {
      lines += nlohmann::json{{"question", "###TEXT:\n{number " + std::to_string(i) + "}\n"},
                              {"answer", i % 2 == 0 ? "SA1" : "CT4"},
                              {"file_name", "f" + std::to_string(i)}}
                   .dump() +
               "\n";
    }
    return lines;
  }();
  for (const std::string key : {"augment", "selection_metric"}) {
    RunRequest one = request("classes-" + key);
    const char* value = key == "augment" ? "rotate_options" : "rotated_accuracy";
    one.recipe = bench_.recipe("3gpp-tsg", {key + "=" + value});
    try {
      run_training(one, {});
      FAIL() << "went through";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kConfig);
      EXPECT_THAT(error.what(), AllOf(HasSubstr(key), HasSubstr(value), HasSubstr("3gpp-tsg")));
    }
  }
}

class Leaks : public RotatedOptions {
 protected:
  // Every row twice, so that an ungrouped split parts many of the pairs.
  void SetUp() override {
    const std::string rows = read_text(bench_ / "data/oranbench.jsonl");
    publish(bench_ / "data/oranbench.jsonl", rows + rows);
  }
};

TEST_F(Leaks, AreRefused) {
  try {
    run_training(request("leaky"), {});
    FAIL() << "went through";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("test rows too"), HasSubstr("oran-bench/"),
                                    HasSubstr("allow_leaks=true")));
  }
  EXPECT_FALSE(std::filesystem::exists(bench_ / "leaky/recipe.yaml"));
}

TEST_F(Leaks, AreTrainedOnWhenAsked) {
  EXPECT_EQ(run_training(request("asked", {"allow_leaks=true"}), {}).end, RunEnd::kFinished);
  EXPECT_EQ(run_training(request("apart", {"split_method=group"}), {}).end, RunEnd::kFinished);
}

}  // namespace
}  // namespace telora
