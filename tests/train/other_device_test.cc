// Training on a device whose memory the processor cannot read takes the steps that it takes on the
// CPU, and resumes from its checkpoints.
#include "tests/golden/other_device.h"

#include <gtest/gtest.h>

#include "backbone/torch.h"
#include "tests/golden/scratch.h"
#include "tests/golden/tiny_models.h"
#include "tests/train/tiny_rows.h"
#include "train/checkpoint.h"
#include "train/recipe_adapter.h"
#include "train/trainer.h"

namespace telora {
namespace {

Recipe recipe_of(std::vector<std::string> settings) {
  for (const char* common :
       {"rank=2", "alpha=4", "batch_size=4", "epochs=1", "tokens_per_pass=40", "precision=f32",
        "warmup_min_steps=2", "max_length=64", "max_new_tokens=4", "learning_rate=0.01"}) {
    settings.insert(settings.begin(), common);
  }
  return load_recipe({.config = {}, .settings = settings, .flags = {{"category", "6g-bench"}}});
}

// Rows that begin alike, so that passes have a shared prefix.
std::vector<EncodedExample> rows_with_prefix() {
  std::vector<EncodedExample> rows = tiny_rows(22);
  for (EncodedExample& row : rows) row.prompt.insert(row.prompt.begin(), {3, 1, 4, 1, 5, 9, 2, 6});
  return rows;
}

struct DeviceRun {
  DeviceRun(const Recipe& recipe, at::Device device)
      : decoder(make_decoder(device)),
        adapter(LoraAdapter::create(lora_config(recipe), decoder, lora_start(recipe))) {
    adapter.attach(decoder);
    adapter.enable_training(42);
    trainer.emplace(recipe, decoder, adapter, rows);
  }

  static Decoder make_decoder(at::Device device) {
    const DecoderSpec spec = golden::tiny_llama();
    const golden::Tensors weights = golden::tiny_weights(spec);
    return {spec, {weights.begin(), weights.end()}, at::kFloat, device};
  }

  // Until `stop` steps are done or the end; saves where it stops.
  void train(int64_t stop = -1, const std::filesystem::path& folder = {}) {
    TrainerHooks hooks;
    hooks.evaluate = [&] {
      const auto [sum, count] = trainer->measure(rows_with_prefix());
      EvaluationRecord record;
      record.loss = sum / static_cast<double>(count);
      record.selection_accuracy = 1.0 / record.loss;
      return record;
    };
    hooks.on_step = [&](const StepRecord& record, int64_t) { steps.push_back(record); };
    hooks.on_evaluation = [](const EvaluationRecord&) {};
    hooks.save = [&](const TrainState& state) {
      if (!folder.empty()) save_checkpoint(folder, state, {}, 2);
    };
    hooks.stop_asked = [&] { return trainer->state().step == stop; };
    trainer->run(hooks);
  }
  at::Tensor result() const { return adapter.parameters().detach().to(at::kCPU); }

  std::vector<EncodedExample> rows = rows_with_prefix();
  Decoder decoder;
  LoraAdapter adapter;
  std::optional<Trainer> trainer;
  std::vector<StepRecord> steps;
};

class TrainingElsewhere : public ::testing::TestWithParam<std::tuple<const char*, at::Device>> {
 protected:
  static const char* setting() { return std::get<0>(GetParam()); }
  static at::Device device() { return std::get<1>(GetParam()); }
};

TEST_P(TrainingElsewhere, TakesTheStepsOfTheCpu) {
  const Recipe recipe = recipe_of({"dropout=0", setting(), "loraplus_lr_ratio=4"});
  DeviceRun here(recipe, at::kCPU), there(recipe, device());
  here.train();
  there.train();
  EXPECT_EQ(there.adapter.parameters().device(), device());
  ASSERT_EQ(here.steps.size(), there.steps.size());
  for (size_t i = 0; i < here.steps.size(); ++i) {
    EXPECT_NEAR(there.steps[i].loss, here.steps[i].loss, 1e-4) << i;
    EXPECT_NEAR(there.steps[i].grad_norm, here.steps[i].grad_norm, 1e-3) << i;
  }
  EXPECT_TRUE(at::allclose(there.result(), here.result(), 1e-3, 1e-4));
}

TEST_P(TrainingElsewhere, ResumesBitForBit) {
  const Recipe recipe = recipe_of({"dropout=0", setting()});
  DeviceRun whole(recipe, device());
  whole.train();
  const golden::Scratch scratch;
  DeviceRun first(recipe, device());
  first.train(3, scratch.path());
  DeviceRun second(recipe, device());
  second.trainer->restore(load_newest_checkpoint(scratch.path())->state);
  second.train();
  EXPECT_TRUE(at::equal(second.result(), whole.result()));
}

INSTANTIATE_TEST_SUITE_P(Variants, TrainingElsewhere,
                         ::testing::Combine(::testing::Values("dropout=0.1", "use_dora=true",
                                                              "init=pissa"),
                                            ::testing::ValuesIn(golden::devices_beside_the_cpu())),
                         [](const auto& info) {
                           const std::string setting = std::get<0>(info.param);
                           return setting.substr(0, setting.find('=')) +
                                  (std::get<1>(info.param).is_cuda() ? "_cuda" : "");
                         });

TEST(AdapterElsewhere, IsSavedAsItIs) {
  const Recipe recipe = recipe_of({"init=olora", "dropout=0"});
  DeviceRun run(recipe, golden::other_device());
  const golden::Scratch scratch;
  write_adapter(scratch.path(), run.adapter.to_file());
  const AdapterFile read = read_adapter(scratch.path(), linear_modules(run.decoder.spec()));
  const AdapterFile kept = run.adapter.to_file();
  ASSERT_EQ(read.modules.size(), kept.modules.size());
  EXPECT_TRUE(at::equal(read.modules[3].a, kept.modules[3].a.to(at::kCPU)));
  EXPECT_TRUE(at::equal(read.modules[3].b, kept.modules[3].b.to(at::kCPU)));
}

}  // namespace
}  // namespace telora
