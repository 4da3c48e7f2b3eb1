#include "train/frozen_states.h"

#include <gtest/gtest.h>

#include "backbone/torch.h"
#include "tests/golden/tiny_models.h"
#include "tests/train/tiny_rows.h"
#include "train/trainer.h"

namespace telora {
namespace {

TEST(FrozenStates, AreKeptForOneBatch) {
  const std::vector<EncodedExample> rows = tiny_rows(3);
  FrozenStates states;
  states.begin({{&rows[0], &rows[1]}, 30, 0, 1});
  at::Tensor* first = states.next();
  EXPECT_FALSE(first->defined());
  *first = at::ones({1});
  EXPECT_FALSE(states.next()->defined());
  EXPECT_EQ(states.taken(), 0);
  states.finish();
  states.begin({{&rows[0], &rows[1]}, 30, 0, 1});
  EXPECT_TRUE(states.next()->defined());
  EXPECT_EQ(states.taken(), 1);
  const auto made_anew = [&](std::vector<const EncodedExample*> batch, int64_t tokens,
                             size_t blocks) {
    states.begin({batch, tokens, 0, blocks});
    at::Tensor* state = states.next();
    const bool anew = !state->defined();
    *state = at::ones({1});
    states.finish();
    return anew;
  };
  EXPECT_TRUE(made_anew({&rows[0], &rows[2]}, 30, 1));
  EXPECT_TRUE(made_anew({&rows[0], &rows[2]}, 31, 1));
  EXPECT_TRUE(made_anew({&rows[0], &rows[2]}, 31, 2));
  EXPECT_FALSE(made_anew({&rows[0], &rows[2]}, 31, 2));
}

// A run that breaks off within a step leaves nothing that another would take.
TEST(FrozenStates, HalfABatchIsNotKept) {
  const std::vector<EncodedExample> rows = tiny_rows(1);
  FrozenStates states;
  states.begin({{&rows[0]}, 30, 0, 1});
  *states.next() = at::ones({1});
  states.begin({{&rows[0]}, 30, 0, 1});
  EXPECT_FALSE(states.next()->defined());
}

// Two adapters of the last block on the same batches: the second takes what the first made, and
// learns the same bits as alone. Rows begin alike, so that a prefix is read, too.
TEST(FrozenStates, TheSecondRunTakesThem) {
  const DecoderSpec spec = golden::tiny_llama();
  std::unordered_map<std::string, at::Tensor> weights;
  for (const auto& [name, tensor] : golden::tiny_weights(spec)) weights[name] = tensor;
  std::vector<EncodedExample> rows = tiny_rows(9);
  for (EncodedExample& row : rows) row.prompt.insert(row.prompt.begin(), {3, 1, 4, 1, 5, 9, 2, 6});
  Recipe recipe = default_recipe();
  recipe.category = "oran-bench";
  recipe.dropout = 0.1;
  recipe.batch_size = 4;
  recipe.epochs = 1;
  recipe.tokens_per_pass = 30;
  recipe.evaluations_per_epoch = 0;
  recipe.checkpoint_every = 0;
  const auto trained = [&](FrozenStates* states, int64_t rank) {
    Decoder decoder(spec, weights, at::kFloat);
    LoraConfig config;
    config.rank = rank;
    config.alpha = 4;
    config.target_modules = {"q_proj", "v_proj", "down_proj"};
    config.layers = {spec.layers - 1};
    LoraAdapter adapter = LoraAdapter::create(config, spec, LoraInit::kKaiming, 42);
    adapter.attach(decoder);
    adapter.enable_training(42);
    EXPECT_EQ(decoder.frozen_blocks(), static_cast<size_t>(spec.layers - 1));
    Trainer trainer(recipe, decoder, adapter, rows);
    trainer.share_frozen(states);
    TrainerHooks hooks;
    hooks.on_step = [](const StepRecord&, int64_t) {};
    hooks.save = [](const TrainState&) {};
    hooks.stop_asked = [] { return false; };
    trainer.advance(hooks);
    return adapter.parameters().detach().clone();
  };
  FrozenStates states;
  EXPECT_TRUE(at::equal(trained(&states, 2), trained(nullptr, 2)));
  EXPECT_EQ(states.taken(), 0);
  EXPECT_TRUE(at::equal(trained(&states, 3), trained(nullptr, 3)));
  EXPECT_GE(states.taken(), 3);  // the prefix and at least two passes
}

}  // namespace
}  // namespace telora
