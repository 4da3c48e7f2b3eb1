// The variants of LoRA in the recipe and in the training loop.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "backbone/torch.h"
#include "core/error.h"
#include "tests/golden/scratch.h"
#include "tests/golden/tiny_models.h"
#include "tests/train/tiny_rows.h"
#include "train/checkpoint.h"
#include "train/recipe_adapter.h"
#include "train/trainer.h"

namespace telora {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

// Settings over a short run on the tiny Llama.
Recipe variant_recipe(std::vector<std::string> settings) {
  for (const char* common :
       {"rank=2", "alpha=4", "batch_size=4", "epochs=3", "tokens_per_pass=30", "precision=f32",
        "warmup_min_steps=2", "max_length=64", "max_new_tokens=4", "learning_rate=0.01"}) {
    settings.insert(settings.begin(), common);
  }
  return load_recipe({.config = {}, .settings = settings, .flags = {{"category", "6g-bench"}}});
}

Recipe resolved(const std::vector<std::string>& settings) {
  return resolve_recipe(variant_recipe(settings), 22, linear_modules(golden::tiny_llama()));
}

std::string refused(const std::vector<std::string>& settings) {
  try {
    resolved(settings);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kConfig) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "accepted " << settings.front();
  return {};
}

Decoder tiny_decoder() {
  const DecoderSpec spec = golden::tiny_llama();
  std::unordered_map<std::string, at::Tensor> weights;
  for (const auto& [name, tensor] : golden::tiny_weights(spec)) weights[name] = tensor;
  return {spec, weights, at::kFloat};
}

struct VariantRun {
  explicit VariantRun(const Recipe& recipe)
      : rows(tiny_rows(22)),
        decoder(tiny_decoder()),
        adapter(LoraAdapter::create(lora_config(recipe), decoder, lora_start(recipe))) {
    adapter.attach(decoder);
    adapter.enable_training(42);
    trainer.emplace(recipe, decoder, adapter, rows);
  }

  // Trains until `stop` steps are done or the end; saves where it stops.
  void train(int64_t stop = -1, const std::filesystem::path& folder = {}) {
    TrainerHooks hooks;
    hooks.evaluate = [&] {
      const auto [sum, count] = trainer->measure(tiny_rows(22));
      EvaluationRecord record;
      record.loss = sum / static_cast<double>(count);
      record.selection_accuracy = 1.0 / record.loss;
      return record;
    };
    hooks.on_step = [&](const StepRecord& record, int64_t) { losses.push_back(record.loss); };
    hooks.on_evaluation = [](const EvaluationRecord&) {};
    hooks.save = [&](const TrainState& state) {
      if (!folder.empty()) save_checkpoint(folder, state, {}, 2);
    };
    hooks.stop_asked = [&] { return trainer->state().step == stop; };
    trainer->run(hooks);
  }

  std::vector<EncodedExample> rows;
  Decoder decoder;
  LoraAdapter adapter;
  std::optional<Trainer> trainer;
  std::vector<double> losses;
};

const std::vector<std::vector<std::string>> kVariants = {
    {"use_dora=true", "dropout=0.1"},
    {"loraplus_lr_ratio=4", "dropout=0"},
    {"use_dora=true", "loraplus_lr_ratio=4", "use_rslora=true", "dropout=0"},
    {"init=pissa"},
    {"init=pissa_niter_2"},
    {"init=olora", "loraplus_lr_ratio=2"},
    {"rank_pattern={q_proj: 3}", "alpha_pattern={v_proj: 1}", "dropout=0.1"}};

TEST(TrainVariants, EachLearns) {
  for (const auto& settings : kVariants) {
    VariantRun run(resolved(settings));
    run.train();
    EXPECT_LT(run.losses.back(), 0.97 * run.losses.front()) << settings.front();
  }
}

// Through files, as a run does it; the last step of a checkpoint is in the middle of an epoch.
TEST(TrainVariants, EachResumesBitForBit) {
  for (const auto& settings : kVariants) {
    const Recipe recipe = resolved(settings);
    VariantRun whole(recipe);
    whole.train();
    for (const int64_t stop : {1, 5, 9}) {
      const golden::Scratch scratch;
      VariantRun first(recipe), second(recipe);
      first.train(stop, scratch.path());
      second.trainer->restore(load_newest_checkpoint(scratch.path())->state);
      second.train();
      EXPECT_TRUE(at::equal(second.adapter.parameters(), whole.adapter.parameters()))
          << settings.front() << " at " << stop;
      EXPECT_EQ(second.losses.back(), whole.losses.back());
      EXPECT_EQ(first.losses.size() + second.losses.size(), whole.losses.size());
    }
  }
}

// Another machine decomposes the weights to other bits: the checkpoint's own start counts.
TEST(TrainVariants, TheInitialPairIsThatOfTheCheckpoint) {
  const Recipe recipe = resolved({"init=pissa"});
  const golden::Scratch scratch;
  VariantRun first(recipe), second(recipe);
  first.train(5, scratch.path());
  second.adapter.initial_parameters().mul_(-1);
  second.trainer->restore(load_newest_checkpoint(scratch.path())->state);
  EXPECT_TRUE(at::equal(second.adapter.initial_parameters(), first.adapter.initial_parameters()));
  second.train();
  VariantRun whole(recipe);
  whole.train();
  EXPECT_TRUE(at::equal(second.adapter.parameters(), whole.adapter.parameters()));
}

TEST(TrainVariants, ACheckpointOfAnotherVariantIsRefused) {
  const golden::Scratch scratch;
  VariantRun plain(resolved({"dropout=0"})), pissa(resolved({"init=pissa"})),
      dora(resolved({"use_dora=true"}));
  plain.train(2, scratch.path());
  const TrainState state = load_newest_checkpoint(scratch.path())->state;
  EXPECT_THROW(pissa.trainer->restore(state), Error);
  EXPECT_THROW(dora.trainer->restore(state), Error);
}

// AdamW's first step moves every parameter that has a gradient by its learning rate.
TEST(TrainVariants, LoraPlusMovesBAndMagnitudesFurther) {
  const Recipe recipe = resolved({"use_dora=true", "loraplus_lr_ratio=8", "weight_decay=0",
                                  "warmup_min_steps=0", "warmup_ratio=0", "schedule=constant",
                                  "dropout=0", "learning_rate=0.001", "init=gaussian"});
  VariantRun run(recipe);
  {
    const at::NoGradGuard no_gradient;
    run.adapter.parameters().add_(0.01);  // no gradient is zero
  }
  const at::Tensor before = run.adapter.parameters().clone();
  run.train(1);
  const at::Tensor moved = (run.adapter.parameters() - before).abs();
  for (const ParameterSpan& span : run.adapter.layout()) {
    const double most = moved.narrow(0, span.begin, span.count).max().item<double>();
    EXPECT_NEAR(most, span.part == LoraSide::kA ? 0.001 : 0.008, 1e-5) << span.begin;
  }
}

TEST(TrainVariants, PatternsReachTheTrainedPairs) {
  VariantRun run(resolved({"rank_pattern={q_proj: 3, 'layers\\.1\\..*': 4}",
                           "alpha_pattern={v_proj: 1}", "target_modules=q_proj,v_proj"}));
  const AdapterFile file = run.adapter.to_file();
  ASSERT_EQ(file.modules.size(), 4u);
  EXPECT_EQ(file.modules[0].a.size(0), 3);
  EXPECT_EQ(file.modules[1].a.size(0), 2);
  EXPECT_EQ(file.modules[2].a.size(0), 3);  // the first pattern counts
  EXPECT_EQ(file.modules[3].a.size(0), 4);
  EXPECT_EQ(lora_scale(file.config, file.modules[1].module), 0.5);
}

TEST(VariantRecipe, ValuesReachTheConfig) {
  const Recipe recipe =
      resolved({"use_rslora=true", "use_dora=true", "layers_to_transform=[1]", "init=gaussian",
                "rank_pattern={q_proj: 3}", "alpha_pattern={o_proj: 1.5}"});
  const LoraConfig config = lora_config(recipe);
  EXPECT_TRUE(config.use_rslora);
  EXPECT_TRUE(config.use_dora);
  EXPECT_THAT(config.layers, ElementsAre(1));
  EXPECT_THAT(config.rank_pattern, ElementsAre(Pair("q_proj", 3)));
  EXPECT_THAT(config.alpha_pattern, ElementsAre(Pair("o_proj", 1.5)));
  EXPECT_EQ(config.init, "gaussian");
  EXPECT_EQ(lora_config(resolved({"init=kaiming"})).init, "");
  EXPECT_EQ(lora_start(resolved({"init=pissa_niter_16"})).pissa_iterations, 16);
  EXPECT_EQ(lora_start(resolved({"init=pissa"})).pissa_iterations, 0);
}

TEST(VariantRecipe, YamlReadsBackAsTheSame) {
  for (const auto& settings : std::vector<std::vector<std::string>>{
           {"rank_pattern={'layers\\.[0-1]\\.(q|v): x, y': 3, q_proj: 1}", "layers_to_transform=1"},
           {R"(target_modules=.*layers\.[01]\.self_attn\.(q|v)_proj)"},
           {R"(target_modules=".*_proj{1,2}, x|.*up_proj")"},
           {"alpha_pattern={'true': 3, 'é #': 0.25}", "use_dora=true", "init=pissa_niter_3"}}) {
    const Recipe recipe = variant_recipe(settings);
    EXPECT_EQ(read_recipe(to_yaml(recipe), "recipe.yaml"), recipe) << to_yaml(recipe);
    EXPECT_NE(recipe_digest(recipe), recipe_digest(variant_recipe({})));
  }
}

TEST(VariantRecipe, APatternSelectsByTheWholeName) {
  const LoraConfig config =
      lora_config(resolved({R"(target_modules=.*layers\.1\.self_attn\.(q|v)_proj)"}));
  EXPECT_FALSE(config.target_regex.empty());
  EXPECT_TRUE(is_target(config, "model.layers.1.self_attn.v_proj"));
  EXPECT_FALSE(is_target(config, "model.layers.0.self_attn.v_proj"));
}

TEST(VariantRecipe, SettingsThatDoNotFitTheModelAreRefused) {
  EXPECT_THAT(refused({"layers_to_transform=[0, 7]"}), HasSubstr("layers_to_transform: found 7"));
  EXPECT_THAT(refused({"rank_pattern={query: 2}"}), HasSubstr("rank_pattern.query"));
  EXPECT_THAT(refused({"alpha_pattern={lm_head: 2}"}), HasSubstr("alpha_pattern.lm_head"));
  EXPECT_THAT(refused({"alpha_pattern={q_proj: 2}", "target_modules=v_proj"}),
              HasSubstr("alpha_pattern.q_proj"));
  EXPECT_THAT(refused({"rank_pattern={k_proj: 17}"}),
              AllOf(HasSubstr("rank_pattern.k_proj: found 17"), HasSubstr("at most 16")));
  EXPECT_THAT(refused({"target_modules=q_proj$"}), HasSubstr("no layer matches"));
  EXPECT_THAT(refused({R"(target_modules=(.*)\1)"}), HasSubstr("back-references"));
}

TEST(VariantRecipe, SettingsThatDoNotGoTogetherAreRefused) {
  EXPECT_THAT(refused({"init=pissa", "use_dora=true"}),
              AllOf(HasSubstr("use_dora"), HasSubstr("init pissa")));
  EXPECT_THAT(refused({"init=olora", "dropout=0.1"}), HasSubstr("dropout: found 0.1"));
  EXPECT_THAT(refused({"init=pissa", "rank=9"}),
              AllOf(HasSubstr("rank: found 9"), HasSubstr("half"), HasSubstr("twice its rank")));
  EXPECT_THAT(refused({"target_modules=.*q_proj", "layers_to_transform=[0]"}),
              HasSubstr("layers_to_transform"));
  EXPECT_EQ(resolved({"init=pissa"}).dropout, 0);
  EXPECT_EQ(resolved({"init=kaiming"}).dropout, 0.05);
  EXPECT_EQ(resolved({"alpha=auto"}).alpha, 4);
  EXPECT_EQ(resolved({"alpha=auto", "use_rslora=true"}).alpha, 8);
}

TEST(VariantRecipe, ValuesOutOfRangeAreRefused) {
  for (const char* setting : {"use_dora=1",
                              "use_rslora=yes",
                              "use_dora='false'",
                              "init=svd",
                              "init=pissa_niter_",
                              "init=pissa_niter_0",
                              "init=pissa_niter_x",
                              "init=pissa_niter_N",
                              "init=true",
                              "loraplus_lr_ratio=0.5",
                              "loraplus_lr_ratio=0",
                              "rank_pattern={q_proj: 0}",
                              "rank_pattern={q_proj: 1.5}",
                              "rank_pattern=4",
                              "rank_pattern={'(': 4}",
                              "alpha_pattern={q_proj: 0}",
                              "alpha_pattern=null",
                              "layers_to_transform=[-1]",
                              "layers_to_transform=[]",
                              "layers_to_transform=all",
                              "target_modules=(q",
                              "target_modules=['.*q_proj']",
                              "use_dorra=true"}) {
    const std::string key(setting, std::string_view(setting).find('='));
    EXPECT_THAT(refused({setting}), AllOf(HasSubstr("--set"), HasSubstr(key))) << setting;
  }
}

TEST(VariantRecipe, NamesOfPeftAreAnsweredWithOurs) {
  EXPECT_THAT(refused({"r=4"}), HasSubstr("rank"));
  EXPECT_THAT(refused({"lora_alpha=4"}), HasSubstr("alpha"));
  EXPECT_THAT(refused({"lora_dropout=0.1"}), HasSubstr("dropout"));
  EXPECT_THAT(refused({"init_lora_weights=pissa"}), HasSubstr("init"));
}

}  // namespace
}  // namespace telora
