// Several runs over one backbone: each as if it had been alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"
#include "tests/train/tiny_bench.h"
#include "train/run.h"

namespace telora {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

// metrics.jsonl without its timings.
std::string log_of(const fs::path& run) {
  std::string log;
  for_each_line(run / "metrics.jsonl", [&](std::string_view line, int) {
    auto record = nlohmann::ordered_json::parse(line);
    record.erase("seconds");
    record.erase("tokens_per_second");
    log += record.dump() + "\n";
  });
  return log;
}

// Files of a finished run that say nothing of time and memory.
std::map<std::string, std::string> contents(const fs::path& run) {
  std::map<std::string, std::string> files{{"log", log_of(run)}};
  for (const char* name :
       {"recipe.yaml", "predictions-base.jsonl", "predictions.jsonl", "report.json", "report.html",
        "adapter_config.json", "adapter_model.safetensors"}) {
    files[name] = read_text(run / name);
  }
  for (const auto& entry : fs::recursive_directory_iterator(run / "checkpoints")) {
    if (entry.path().extension() != ".safetensors") continue;
    files[fs::relative(entry.path(), run)] = read_text(entry.path());
  }
  EXPECT_TRUE(fs::exists(run / "telora.json"));
  return files;
}

class TrainTogether : public testing::Test {
 protected:
  RunRequest request(const std::string& name, std::vector<std::string> settings = {}) {
    RunRequest request;
    request.recipe = bench_.recipe("oran-bench", std::move(settings));
    request.out = bench_ / name;
    return request;
  }
  // Ranks, adapters of every kind, another seed, length and batch.
  std::vector<RunRequest> varied(const std::string& prefix) {
    return {request(prefix + "rank2", {"rank=2"}),
            request(prefix + "rank5", {"rank=5"}),
            request(prefix + "seed", {"rank=2", "seed=7", "max_steps=4"}),
            request(prefix + "dora", {"rank=2", "use_dora=true", "batch_size=3"}),
            request(prefix + "pissa", {"rank=2", "init=pissa", "dropout=0"}),
            request(prefix + "upper2", {"rank=2", "layers_to_transform=1"}),
            request(prefix + "upper5", {"rank=5", "layers_to_transform=1"}),
            request(prefix + "early", {"rank=3", "patience=1", "min_delta=2", "max_steps=30"})};
  }
  std::vector<RunResult> train(const std::vector<RunRequest>& requests) {
    return train_together(requests, std::vector<RunWatcher>(requests.size()));
  }
  TinyBench bench_;
};

TEST_F(TrainTogether, EachRunIsAsIfItHadBeenAlone) {
  const std::vector<RunRequest> alone = varied("alone-"), together = varied("together-");
  for (const RunRequest& one : alone) run_training(one, {});
  const std::vector<RunResult> results = train(together);
  for (size_t i = 0; i < alone.size(); ++i) {
    EXPECT_EQ(results[i].end, RunEnd::kFinished);
    EXPECT_EQ(results[i].folder, together[i].out);
    EXPECT_EQ(contents(alone[i].out), contents(together[i].out)) << together[i].out;
  }
  EXPECT_NE(contents(alone[0].out), contents(alone[2].out));
  EXPECT_TRUE(results[7].stopped_early);
}

TEST_F(TrainTogether, StepsAreTakenInTurn) {
  const std::vector<RunRequest> requests{request("a", {"evaluations_per_epoch=0"}),
                                         request("b", {"evaluations_per_epoch=0", "rank=2"})};
  std::vector<std::string> order;
  std::vector<RunWatcher> watchers(2);
  for (size_t i = 0; i < 2; ++i) {
    watchers[i].on_step = [&order, i](const StepRecord& r, int64_t) {
      if (r.step <= 3) order.push_back(std::string(i == 0 ? "a" : "b") + std::to_string(r.step));
    };
  }
  train_together(requests, watchers);
  EXPECT_THAT(order, ElementsAre("a1", "b1", "a2", "b2", "a3", "b3"));
}

TEST_F(TrainTogether, TheBaseIsScoredOnce) {
  const std::vector<RunRequest> requests{request("a"), request("b", {"rank=2"}),
                                         request("c", {"max_new_tokens=2"})};
  std::vector<int> scored(3);
  std::vector<RunWatcher> watchers(3);
  for (size_t i = 0; i < 3; ++i) {
    watchers[i].on_progress = [&scored, i](const std::string& stage, int64_t, int64_t) {
      scored[i] += stage == "score base";
    };
  }
  train_together(requests, watchers);
  EXPECT_GT(scored[0], 0);
  EXPECT_EQ(scored[1], 0);
  EXPECT_GT(scored[2], 0);  // asks for other answers
  EXPECT_EQ(read_text(requests[0].out / "predictions-base.jsonl"),
            read_text(requests[1].out / "predictions-base.jsonl"));
}

// Stops all of them when `run` has taken `step` steps (0: while the base is scored), resumes all.
void stop_and_resume(std::vector<RunRequest> requests, size_t run, int64_t step) {
  std::vector<RunWatcher> watchers(requests.size());
  bool stop = step == 0;
  for (RunWatcher& watcher : watchers) watcher.stop_asked = [&stop] { return stop; };
  watchers[run].on_step = [&](const StepRecord& r, int64_t) { stop = stop || r.step == step; };
  int stopped = 0;
  for (const RunResult& result : train_together(requests, watchers)) {
    EXPECT_NE(result.end, RunEnd::kFailed);
    stopped += result.end == RunEnd::kInterrupted;
    if (result.end == RunEnd::kFinished) continue;
    EXPECT_FALSE(fs::exists(result.folder / "telora.json"));
    EXPECT_EQ(fs::is_empty(result.folder / "checkpoints"), step == 0);
  }
  EXPECT_GT(stopped, 0);
  std::erase_if(requests, [](const RunRequest& r) { return fs::exists(r.out / "telora.json"); });
  for (RunRequest& request : requests) {
    request.recipe = read_recipe(read_text(request.out / "recipe.yaml"), "recipe.yaml");
    request.resume = true;
  }
  train_together(requests, std::vector<RunWatcher>(requests.size()));
}

TEST_F(TrainTogether, StoppedAndResumedEqualsUninterrupted) {
  const std::vector<RunRequest> whole = varied("whole-");
  train(whole);
  for (const auto& [run, step] : {std::pair<size_t, int64_t>{0, 0}, {2, 3}, {1, 6}}) {
    const std::string prefix = "stopped-" + std::to_string(step) + "-";
    const std::vector<RunRequest> stopped = varied(prefix);
    stop_and_resume(stopped, run, step);
    for (size_t i = 0; i < whole.size(); ++i) {
      auto expected = contents(whole[i].out), found = contents(stopped[i].out);
      // A stop leaves checkpoints where the uninterrupted run has none.
      for (auto* files : {&expected, &found}) {
        std::erase_if(*files, [](const auto& f) { return f.first.starts_with("checkpoints"); });
      }
      EXPECT_EQ(expected, found) << stopped[i].out;
    }
  }
}

TEST_F(TrainTogether, OneRunMayBeStoppedAlone) {
  const std::vector<RunRequest> requests{request("a"), request("b", {"rank=2"})};
  std::vector<RunWatcher> watchers(2);
  bool stop = false;
  watchers[0].on_step = [&](const StepRecord& r, int64_t) { stop = r.step >= 2; };
  watchers[0].stop_asked = [&] { return stop; };
  const std::vector<RunResult> results = train_together(requests, watchers);
  EXPECT_EQ(results[0].end, RunEnd::kInterrupted);
  EXPECT_EQ(results[1].end, RunEnd::kFinished);
}

// A disk that is full from the first batch on.
TEST_F(TrainTogether, AFailingRunEndsAlone) {
  const std::vector<RunRequest> alone{request("alone-a"), request("alone-c", {"rank=2"})};
  for (const RunRequest& one : alone) run_training(one, {});
  std::vector<RunRequest> requests{request("a"), request("b", {"rank=3"}),
                                   request("c", {"rank=2"})};
  requests[1].dump_batches = "/dev/full";
  const std::vector<RunResult> results = train(requests);
  EXPECT_EQ(results[0].end, RunEnd::kFinished);
  ASSERT_EQ(results[1].end, RunEnd::kFailed);
  EXPECT_EQ(results[2].end, RunEnd::kFinished);
  EXPECT_EQ(contents(alone[0].out), contents(requests[0].out));
  EXPECT_EQ(contents(alone[1].out), contents(requests[2].out));
  EXPECT_FALSE(fs::exists(requests[1].out / "telora.json"));
  try {
    std::rethrow_exception(results[1].failure);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kIo);
    EXPECT_THAT(error.what(), HasSubstr("/dev/full"));
  }
  requests[1].out = bench_ / "d";
  EXPECT_THROW(run_training(requests[1], {}), Error);
}

// What is wrong before the first step is refused for all, and no run is begun.
TEST_F(TrainTogether, RefusesWhatCannotBeTogether) {
  const auto refused = [&](const RunRequest& other, ErrorKind kind, const std::string& part) {
    const std::vector<RunRequest> requests{request("a"), other};
    try {
      train(requests);
      ADD_FAILURE() << "went through: " << part;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.what();
      EXPECT_THAT(error.what(), HasSubstr(part));
    }
    EXPECT_FALSE(fs::exists(requests[0].out / "recipe.yaml"));
  };
  refused(request("b", {"precision=bf16"}), ErrorKind::kUsage, "precision");
  refused(request("b", {"threads=1"}), ErrorKind::kUsage, "threads");
  refused(request("x/../a", {"rank=2"}), ErrorKind::kUsage, "two runs");
  refused(request("b", {"rank=33"}), ErrorKind::kConfig, "rank");
  create_folders(bench_ / "other");
  publish(bench_ / "other/recipe.yaml", "rank: 3\n");
  refused(request("other"), ErrorKind::kCannotCreate, "--resume");
}

TEST_F(TrainTogether, ProfileSaysWhereTheTimeWent) {
  std::vector<RunRequest> requests{request("a", {"max_steps=6"}), request("b", {"rank=2"})};
  for (RunRequest& request : requests) request.profile = true;
  const std::vector<RunResult> results = train(requests);
  for (const RunResult& result : results) {
    ASSERT_TRUE(result.profile);
    const RunProfile& profile = *result.profile;
    for (const char* name : {"forward", "backward", "optimizer", "evaluation", "checkpoint"})
      EXPECT_GT(seconds_of(profile.parts, name), 0) << name;
    EXPECT_GT(profile.share(), 0);
    EXPECT_LE(profile.flops_shared, profile.flops);
    EXPECT_GT(profile.gemm.flops, 1e8);
    EXPECT_GT(profile.memory.weights, 4 * 2 * 3 * 32 * 48);
    const auto written = nlohmann::json::parse(read_text(result.folder / "profile.json"));
    EXPECT_EQ(written["training"]["flops"], profile.flops);
    EXPECT_EQ(written["bytes"]["optimizer"], profile.memory.optimizers);
    EXPECT_THAT(render_profile(profile), HasSubstr("  backward"));
  }
  EXPECT_GT(seconds_of(results[0].profile->parts, "load"), 0);  // shared: counted once
  EXPECT_EQ(seconds_of(results[1].profile->parts, "load"), 0);
  EXPECT_EQ(results[0].profile->memory.adapters, results[1].profile->memory.adapters);
}

}  // namespace
}  // namespace telora
