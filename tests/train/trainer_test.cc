#include "train/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backbone/torch.h"
#include "core/error.h"
#include "tests/golden/tiny_models.h"
#include "tests/train/tiny_rows.h"

namespace telora {
namespace {

Recipe tiny_recipe() {
  Recipe recipe = default_recipe();
  recipe.category = "oran-bench";
  recipe.rank = 2;
  recipe.alpha = 4;
  recipe.dropout = 0.1;
  recipe.batch_size = 4;
  recipe.epochs = 3;
  recipe.max_steps = 0;
  recipe.tokens_per_pass = 30;
  recipe.checkpoint_every = 0;
  recipe.precision = "f32";
  recipe.warmup_min_steps = 2;
  recipe.max_length = 64;
  recipe.max_new_tokens = 4;
  return recipe;
}

// One adapter on one tiny decoder with its trainer.
struct TinyRun {
  explicit TinyRun(const Recipe& recipe, size_t count = 22)
      : rows(tiny_rows(count)), decoder(make_decoder()), adapter(make_adapter(decoder)) {
    adapter.attach(decoder);
    adapter.enable_training(42);
    trainer.emplace(recipe, decoder, adapter, rows);
  }

  static Decoder make_decoder() {
    const DecoderSpec spec = golden::tiny_llama();
    std::unordered_map<std::string, at::Tensor> weights;
    for (const auto& [name, tensor] : golden::tiny_weights(spec)) weights[name] = tensor;
    return {spec, weights, at::kFloat};
  }
  static LoraAdapter make_adapter(const Decoder& decoder) {
    LoraConfig config;
    config.rank = 2;
    config.alpha = 4;
    config.target_modules = {"q_proj", "v_proj", "down_proj"};
    return LoraAdapter::create(config, decoder.spec(), LoraInit::kKaiming, 42);
  }

  std::vector<EncodedExample> rows;
  Decoder decoder;
  LoraAdapter adapter;
  std::optional<Trainer> trainer;
};

struct Watch {
  std::vector<StepRecord> steps;
  std::vector<EvaluationRecord> evaluations;
  std::vector<TrainState> saved;  // deep copies
  int64_t stop_after = -1;

  TrainerHooks hooks(const Trainer& trainer) {
    TrainerHooks hooks;
    hooks.evaluate = [&trainer] {
      const auto [sum, count] = trainer.measure(tiny_rows(5));
      EvaluationRecord record;
      record.loss = sum / static_cast<double>(count);
      record.selection_accuracy = 1.0 / record.loss;
      return record;
    };
    hooks.on_step = [this](const StepRecord& record, int64_t) { steps.push_back(record); };
    hooks.on_evaluation = [this](const EvaluationRecord& record) { evaluations.push_back(record); };
    hooks.save = [this](const TrainState& state) {
      TrainState copy = state;
      copy.parameters = state.parameters.clone();
      copy.first_moment = state.first_moment.clone();
      copy.second_moment = state.second_moment.clone();
      copy.best_parameters = state.best_parameters.clone();
      saved.push_back(copy);
    };
    hooks.stop_asked = [this] { return static_cast<int64_t>(steps.size()) == stop_after; };
    return hooks;
  }
};

TEST(Trainer, LearnsTheRows) {
  Recipe recipe = tiny_recipe();
  recipe.epochs = 60;
  recipe.patience = 0;
  recipe.dropout = 0;
  recipe.learning_rate = 0.01;
  TinyRun setup(recipe, 8);
  Watch watch;
  EXPECT_EQ(setup.trainer->run(watch.hooks(*setup.trainer)), TrainEnd::kFinished);
  EXPECT_LT(watch.steps.back().loss, 0.5 * watch.steps.front().loss);
}

TEST(Trainer, FourPassesOfOneRowEqualOnePassOfFour) {
  std::vector<at::Tensor> results;
  for (const int64_t budget : {int64_t{1}, int64_t{1000}}) {
    Recipe recipe = tiny_recipe();
    recipe.tokens_per_pass = budget;
    recipe.dropout = 0;
    TinyRun setup(recipe);
    Watch watch;
    setup.trainer->run(watch.hooks(*setup.trainer));
    results.push_back(setup.adapter.parameters().detach().clone());
  }
  EXPECT_TRUE(at::allclose(results[0], results[1], 1e-4, 1e-6));
}

// Rows that begin alike, that read once in a batch, against reading it with every row.
TEST(Trainer, SharedPrefixEqualsSeparateRows) {
  std::vector<EncodedExample> rows = tiny_rows(9);
  for (EncodedExample& row : rows) row.prompt.insert(row.prompt.begin(), {3, 1, 4, 1, 5, 9, 2, 6});
  const std::vector<const EncodedExample*> all{&rows[0], &rows[1], &rows[2]};
  EXPECT_EQ(shared_prefix(all, LossTokens::kAnswer).size(), 8u);
  EXPECT_TRUE(shared_prefix(all, LossTokens::kFull).empty());
  const auto trained = [&](bool shared, bool fused, int64_t budget) {
    Recipe recipe = tiny_recipe();
    recipe.tokens_per_pass = budget;
    recipe.dropout = 0;
    TinyRun run(recipe);
    run.decoder.allow_fusing(fused);
    run.trainer.emplace(recipe, run.decoder, run.adapter, rows);
    run.trainer->allow_sharing(shared);
    Watch watch;
    run.trainer->run(watch.hooks(*run.trainer));
    return run.adapter.parameters().detach().clone();
  };
  const at::Tensor separate = trained(false, false, 1000);
  for (const bool fused : {false, true}) {
    for (const int64_t budget : {int64_t{1}, int64_t{1000}})
      EXPECT_TRUE(at::allclose(trained(true, fused, budget), separate, 1e-4, 1e-6));
  }
}

// The mask of the prefix is that of its forward pass, though the rows' passes come in between.
TEST(Trainer, SharedPrefixKeepsItsDropout) {
  std::vector<EncodedExample> rows = tiny_rows(9);
  for (EncodedExample& row : rows) row.prompt.insert(row.prompt.begin(), {3, 1, 4, 1, 5, 9, 2, 6});
  const auto trained = [&](bool fused) {
    Recipe recipe = tiny_recipe();
    recipe.dropout = 0.2;
    recipe.tokens_per_pass = 20;
    TinyRun run(recipe);
    run.decoder.allow_fusing(fused);
    run.trainer.emplace(recipe, run.decoder, run.adapter, rows);
    Watch watch;
    run.trainer->run(watch.hooks(*run.trainer));
    return run.adapter.parameters().detach().clone();
  };
  EXPECT_TRUE(at::allclose(trained(true), trained(false), 1e-4, 1e-6));
}

TEST(Trainer, SameSeedSameBytes) {
  std::vector<at::Tensor> results;
  for (int i = 0; i < 2; ++i) {
    TinyRun setup(tiny_recipe());
    Watch watch;
    setup.trainer->run(watch.hooks(*setup.trainer));
    results.push_back(setup.adapter.parameters().detach().clone());
  }
  EXPECT_TRUE(at::equal(results[0], results[1]));
}

// At every step: interrupt, restore into a new trainer, finish; adapter and log must not differ by
// a bit.
TEST(Trainer, ResumesBitForBitAtEveryStep) {
  TinyRun whole(tiny_recipe());
  Watch reference;
  whole.trainer->run(reference.hooks(*whole.trainer));
  for (int64_t stop = 0; stop < whole.trainer->total_steps(); ++stop) {
    TinyRun first(tiny_recipe());
    Watch before;
    before.stop_after = stop;
    ASSERT_EQ(first.trainer->run(before.hooks(*first.trainer)), TrainEnd::kInterrupted);
    TinyRun second(tiny_recipe());
    second.trainer->restore(before.saved.back());
    Watch after;
    second.trainer->run(after.hooks(*second.trainer));
    EXPECT_TRUE(at::equal(second.adapter.parameters(), whole.adapter.parameters())) << stop;
    EXPECT_TRUE(
        at::equal(second.trainer->state().best_parameters, whole.trainer->state().best_parameters))
        << stop;
    ASSERT_EQ(before.steps.size() + after.steps.size(), reference.steps.size());
    for (size_t i = 0; i < after.steps.size(); ++i) {
      const StepRecord &a = after.steps[i], &b = reference.steps[before.steps.size() + i];
      EXPECT_EQ(a.loss, b.loss);
      EXPECT_EQ(a.grad_norm, b.grad_norm);
      EXPECT_EQ(a.lr, b.lr);
      EXPECT_EQ(a.tokens_total, b.tokens_total);
    }
    EXPECT_EQ(before.evaluations.size() + after.evaluations.size(), reference.evaluations.size())
        << stop;
  }
}

TEST(Trainer, AnEvaluationStoppedHalfWayIsMadeAfterResuming) {
  TinyRun whole(tiny_recipe());
  Watch reference;
  whole.trainer->run(reference.hooks(*whole.trainer));
  TinyRun first(tiny_recipe());
  Watch before;
  TrainerHooks hooks = before.hooks(*first.trainer);
  hooks.evaluate = [] { return std::optional<EvaluationRecord>(); };
  ASSERT_EQ(first.trainer->run(hooks), TrainEnd::kInterrupted);
  ASSERT_FALSE(before.saved.empty());
  EXPECT_TRUE(before.saved.back().evaluation_due);
  EXPECT_TRUE(before.evaluations.empty());
  TinyRun second(tiny_recipe());
  second.trainer->restore(before.saved.back());
  Watch after;
  second.trainer->run(after.hooks(*second.trainer));
  EXPECT_EQ(after.evaluations.size(), reference.evaluations.size());
  EXPECT_TRUE(at::equal(second.adapter.parameters(), whole.adapter.parameters()));
}

TEST(Trainer, NotFiniteLossStopsBeforeTheUpdate) {
  Recipe recipe = tiny_recipe();
  recipe.learning_rate = 1e30;
  recipe.warmup_min_steps = 0;
  recipe.warmup_ratio = 0;
  recipe.epochs = 50;
  TinyRun setup(recipe);
  Watch watch;
  try {
    setup.trainer->run(watch.hooks(*setup.trainer));
    FAIL() << "went through";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    EXPECT_THAT(error.what(), testing::HasSubstr("of step"));
    EXPECT_TRUE(setup.adapter.parameters().isfinite().all().item<bool>());
  }
}

TEST(Trainer, StopsEarlyAndKeepsTheBest) {
  Recipe recipe = tiny_recipe();
  recipe.epochs = 50;
  recipe.patience = 2;
  recipe.learning_rate = 0.05;
  recipe.selection_metric = "loss";
  TinyRun setup(recipe);
  Watch watch;
  ASSERT_EQ(setup.trainer->run(watch.hooks(*setup.trainer)), TrainEnd::kStoppedEarly);
  double best = 1e9;
  int64_t best_step = 0;
  for (const EvaluationRecord& e : watch.evaluations) {
    if (e.loss < best) best = e.loss, best_step = e.step;
  }
  EXPECT_EQ(setup.trainer->state().early_stop.best_step, best_step);
  EXPECT_FALSE(at::equal(setup.trainer->state().best_parameters, setup.adapter.parameters()));
}

TEST(BatchOrder, EveryEpochIsAPermutation) {
  BatchOrder order(23, 5, 42);
  ASSERT_EQ(order.steps_per_epoch(), 5);
  std::vector<std::vector<size_t>> epochs;
  for (int64_t epoch = 0; epoch < 3; ++epoch) {
    std::vector<size_t> rows;
    for (int64_t step = 0; step < 5; ++step) {
      for (const size_t row : order.batch(epoch * 5 + step)) rows.push_back(row);
    }
    epochs.push_back(rows);
    std::ranges::sort(rows);
    for (size_t i = 0; i < 23; ++i) EXPECT_EQ(rows[i], i);
  }
  EXPECT_NE(epochs[0], epochs[1]);
  EXPECT_EQ(BatchOrder(23, 5, 42).batch(7), order.batch(7));
  EXPECT_NE(BatchOrder(23, 5, 43).batch(7), order.batch(7));
}

TEST(TrainPass, AnswerLossReadsAllButTheLastToken) {
  const std::vector<EncodedExample> rows = tiny_rows(2);
  const std::vector<const EncodedExample*> batch{&rows[0], &rows[1]};
  const TrainPass pass = build_pass(batch, LossTokens::kAnswer);
  EXPECT_EQ(pass.tokens, 4 + 3 + 5 + 3);
  EXPECT_EQ(pass.rows.tokens(), pass.tokens - 2);
  EXPECT_TRUE(at::equal(pass.wanted, torch::tensor({3, 4, 5, 10, 11, 12}, torch::kInt64)));
  EXPECT_TRUE(at::equal(pass.targets, torch::tensor({0, 2, 5, 1, 2, 5}, torch::kInt64)));
  EXPECT_EQ(counted_targets(rows[0], LossTokens::kFull), 6);
}

}  // namespace
}  // namespace telora
