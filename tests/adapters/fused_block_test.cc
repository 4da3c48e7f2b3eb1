// Blocks computed by hand against the same blocks as single operations of autograd: hidden states,
// losses, gradients of every pair, with masks, prefixes and few queries.
#include <gtest/gtest.h>

#include "adapters/lora_adapter.h"
#include "backbone/product_kernel.h"
#include "backbone/product_override.h"
#include "backbone/torch.h"
#include "tests/golden/tiny_models.h"

namespace telora {
namespace {

using namespace golden;

struct Shape {
  const char* name;
  DecoderSpec spec;
};

std::vector<Shape> all_shapes() {
  return {{"llama", tiny_llama()},     {"qwen2", tiny_qwen2()}, {"qwen3", tiny_qwen3()},
          {"granite", tiny_granite()}, {"olmo2", tiny_olmo2()}, {"exaone4", tiny_exaone4()},
          {"gemma3", tiny_gemma3()}};
}

Decoder make_decoder(const DecoderSpec& spec, at::ScalarType type) {
  std::unordered_map<std::string, at::Tensor> weights;
  for (const auto& [name, tensor] : tiny_weights(spec)) weights[name] = tensor;
  return {spec, weights, type};
}

LoraConfig config_of_rank(int64_t rank) {
  LoraConfig config;
  config.rank = rank;
  config.alpha = 5;
  config.target_regex = "all-linear";
  return config;
}

LoraAdapter shaken_adapter(Decoder& decoder, const LoraConfig& config,
                           LoraInit init = LoraInit::kKaiming) {
  LoraAdapter adapter = LoraAdapter::create(config, decoder, {.init = init, .seed = 42});
  const at::NoGradGuard no_gradient;
  torch::manual_seed(5);
  adapter.parameters().add_(torch::randn_like(adapter.parameters()), 0.05);
  return adapter;
}

using Rows = std::vector<std::vector<int32_t>>;
const Rows kRows{{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5}, {2, 7, 1, 8}, {1, 6, 1, 8, 0, 3, 3}};

// All tokens but the first two of each row predict their next one.
struct Task {
  PackedRows rows = pack_rows(kRows);
  at::Tensor wanted, targets;
  Task() {
    std::vector<int64_t> tokens, next;
    int64_t begin = 0;
    for (const auto& row : kRows) {
      for (size_t i = 2; i + 1 < row.size(); ++i) {
        tokens.push_back(begin + static_cast<int64_t>(i));
        next.push_back(row[i + 1]);
      }
      begin += static_cast<int64_t>(row.size());
    }
    wanted = torch::tensor(tokens, torch::kInt64);
    targets = torch::tensor(next, torch::kInt64);
  }
};

struct Outcome {
  double loss;
  at::Tensor gradients;
};

Outcome outcome(Decoder& decoder, LoraAdapter& adapter, bool fused) {
  static const Task task;
  decoder.allow_fusing(fused);
  adapter.gradients().zero_();
  const at::Tensor loss = decoder.loss_sum(decoder.hidden(task.rows, task.wanted), task.targets);
  loss.backward();
  decoder.allow_fusing(true);
  return {loss.item<double>(), adapter.gradients().clone()};
}

double distance(const at::Tensor& a, const at::Tensor& b) {
  return ((a - b).norm() / b.norm()).item<double>();
}

void expect_same(Decoder& decoder, LoraAdapter& adapter, double of_loss, double of_gradients) {
  const Outcome fused = outcome(decoder, adapter, true), plain = outcome(decoder, adapter, false);
  EXPECT_NEAR(fused.loss, plain.loss, of_loss * plain.loss);
  EXPECT_GT(plain.gradients.norm().item<double>(), 0);
  EXPECT_LT(distance(fused.gradients, plain.gradients), of_gradients);
}

TEST(FusedBlock, GivesWhatSingleOperationsGive) {
  for (const Shape& shape : all_shapes()) {
    SCOPED_TRACE(shape.name);
    Decoder decoder = make_decoder(shape.spec, at::kFloat);
    for (const int64_t rank : {1, 4, 5}) {
      LoraAdapter adapter = shaken_adapter(decoder, config_of_rank(rank));
      adapter.attach(decoder);
      adapter.enable_training(42);
      expect_same(decoder, adapter, 1e-6, 1e-5);
      adapter.set_dropout(0.3, 77);
      expect_same(decoder, adapter, 1e-6, 1e-5);
      LoraAdapter::detach(decoder);
    }
  }
}

// Rounding to bfloat16 stands at fewer places in the fused block: neither is the other's truth, and
// the float32 run stands between them.
TEST(FusedBlock, InBfloatIsAsNearToFloatAsSingleOperations) {
  for (const Shape& shape : all_shapes()) {
    SCOPED_TRACE(shape.name);
    const auto run = [&](at::ScalarType type, bool fused) {
      Decoder decoder = make_decoder(shape.spec, type);
      LoraAdapter adapter = shaken_adapter(decoder, config_of_rank(4));
      adapter.attach(decoder);
      adapter.enable_training(42);
      return outcome(decoder, adapter, fused);
    };
    const Outcome exact = run(at::kFloat, false), plain = run(at::kBFloat16, false),
                  fused = run(at::kBFloat16, true);
    EXPECT_LT(distance(fused.gradients, exact.gradients),
              1.5 * distance(plain.gradients, exact.gradients));
    EXPECT_NEAR(fused.loss, exact.loss, 0.01 * exact.loss);
  }
}

// The ways of other processors than this one.
TEST(FusedBlock, EveryKindOfProductGivesTheSame) {
  const auto run = [](const DecoderSpec& spec, at::ScalarType type, bool fused) {
    Decoder decoder = make_decoder(spec, type);
    LoraAdapter adapter = shaken_adapter(decoder, config_of_rank(3));
    adapter.attach(decoder);
    adapter.enable_training(42);
    adapter.set_dropout(0.2, 5);
    return outcome(decoder, adapter, fused);
  };
  std::vector<ProductKind> kinds{ProductKind::kFloat, ProductKind::kLibrary};
  if (kernels::has_bf16_dot()) kinds.push_back(ProductKind::kPairs);
  for (const DecoderSpec& spec : {tiny_llama(), tiny_qwen2(), tiny_gemma3()}) {
    override_product_kind(std::nullopt);
    const Outcome exact = run(spec, at::kFloat, false);
    for (const ProductKind kind : kinds) {
      SCOPED_TRACE(static_cast<int>(kind));
      override_product_kind(kind);
      const Outcome single = run(spec, at::kFloat, true), half = run(spec, at::kBFloat16, true);
      EXPECT_NEAR(single.loss, exact.loss, 1e-6 * exact.loss);
      EXPECT_LT(distance(single.gradients, exact.gradients), 1e-5);
      EXPECT_NEAR(half.loss, exact.loss, 0.01 * exact.loss);
      EXPECT_LT(distance(half.gradients, exact.gradients), 0.05);
    }
  }
  override_product_kind(std::nullopt);
}

TEST(FusedBlock, TakesPairsThatBeganAsPartsOfTheWeight) {
  for (const LoraInit init : {LoraInit::kPissa, LoraInit::kOlora}) {
    Decoder decoder = make_decoder(tiny_qwen2(), at::kFloat);
    LoraAdapter adapter = shaken_adapter(decoder, config_of_rank(3), init);
    adapter.attach(decoder);
    adapter.enable_training(42);
    expect_same(decoder, adapter, 1e-6, 1e-5);
  }
}

TEST(FusedBlock, TakesAdaptersOfSomeModulesWithRanksAndAlphasOfTheirOwn) {
  Decoder decoder = make_decoder(tiny_llama(), at::kFloat);
  LoraConfig config = config_of_rank(4);
  config.target_regex = ".*(q_proj|v_proj|up_proj)";
  config.rank_pattern = {{"v_proj", 3}};
  config.alpha_pattern = {{"q_proj", 9}};
  LoraAdapter adapter = shaken_adapter(decoder, config);
  adapter.attach(decoder);
  adapter.enable_training(42);
  expect_same(decoder, adapter, 1e-6, 1e-5);
}

}  // namespace
}  // namespace telora
