// LoRA on the tiny models: logits and loss that llama.cpp gives too, gradients from central
// differences.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/lora_adapter.h"
#include "adapters/lora_linear.h"
#include "backbone/torch.h"
#include "core/error.h"
#include "tests/golden/tiny_models.h"

namespace telora {
namespace {

using namespace golden;

const std::vector<int32_t> kTokens{3, 1, 4, 1, 5, 9, 2, 6};
const std::vector<std::string> kTargets{"q_proj",    "k_proj",  "v_proj",   "o_proj",
                                        "gate_proj", "up_proj", "down_proj"};

Decoder make_decoder(const DecoderSpec& spec) {
  std::unordered_map<std::string, at::Tensor> weights;
  for (const auto& [name, tensor] : tiny_weights(spec)) weights[name] = tensor;
  return {spec, weights, at::kFloat};
}

LoraConfig tiny_config() {
  LoraConfig config;
  config.rank = kTinyLoraRank;
  config.alpha = kTinyLoraAlpha;
  config.target_modules = kTargets;
  return config;
}

AdapterFile tiny_adapter(const DecoderSpec& spec) {
  AdapterFile file{tiny_config(), {}, {}};
  const Tensors tensors = tiny_lora(spec);
  for (const ModuleShape& shape : linear_modules(spec)) {
    const std::string name = "base_model.model." + shape.name;
    file.modules.push_back(
        {shape.name, tensors.at(name + ".lora_A.weight"), tensors.at(name + ".lora_B.weight")});
  }
  return file;
}

at::Tensor mean_loss(const Decoder& decoder) {
  const at::Tensor hidden = decoder.hidden(pack_rows({&kTokens, 1}), torch::arange(7));
  return decoder.loss_sum(hidden, torch::tensor({1, 4, 1, 5, 9, 2, 6}, torch::kInt64)) / 7.0;
}

at::Tensor last_logits(const Decoder& decoder) {
  return decoder.logits(decoder.hidden(pack_rows({&kTokens, 1}), torch::tensor({7})))[0];
}

// The gradient of one element, by module, part and flat index.
double gradient_at(const LoraAdapter& adapter, const std::string& module, char part,
                   int64_t index) {
  int64_t begin = 0;
  for (const LoraTensors& t : adapter.to_file().modules) {
    const int64_t b_begin = begin + t.a.numel();
    if (t.module == "model.layers." + module) {
      return adapter.gradients()[(part == 'A' ? begin : b_begin) + index].item<double>();
    }
    begin = b_begin + t.b.numel();
  }
  ADD_FAILURE() << "no module " << module;
  return 0;
}

struct Golden {
  DecoderSpec spec;
  std::vector<double> logits;
  double loss;
  std::vector<double> gradients;
};

void check(const Golden& golden) {
  Decoder decoder = make_decoder(golden.spec);
  LoraAdapter adapter = LoraAdapter::from_file(tiny_adapter(golden.spec));
  adapter.attach(decoder);
  const at::Tensor logits = last_logits(decoder);
  for (int64_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(logits[i].item<double>(), golden.logits[static_cast<size_t>(i)], 3e-6);
  }
  adapter.enable_training(1);
  const at::Tensor loss = mean_loss(decoder);
  EXPECT_NEAR(loss.item<double>(), golden.loss, 3e-6);
  loss.backward();
  EXPECT_NEAR(gradient_at(adapter, "0.self_attn.q_proj", 'A', 0), golden.gradients[0], 2e-6);
  EXPECT_NEAR(gradient_at(adapter, "0.self_attn.k_proj", 'B', 5), golden.gradients[1], 2e-6);
  EXPECT_NEAR(gradient_at(adapter, "0.mlp.gate_proj", 'B', 0), golden.gradients[2], 2e-6);
  EXPECT_NEAR(gradient_at(adapter, "1.mlp.down_proj", 'A', 7), golden.gradients[3], 2e-6);
  EXPECT_NEAR(gradient_at(adapter, "1.self_attn.v_proj", 'B', 3), golden.gradients[4], 2e-6);
}

TEST(LoraGolden, Llama) {
  check({tiny_llama(),
         {-0.31150689, -0.25864631, 0.30164880},
         4.780230243,
         {0.06105085, -0.08605044, 0.01362683, 0.03955019, -0.17001509}});
}

TEST(LoraGolden, Llama3Scaling) {
  check({tiny_llama_llama3_scaling(),
         {0.26255732, 0.34282891, 0.87492262},
         3.849232483,
         {0.03221483, -0.07904067, 0.01306529, -0.01026579, 0.08836452}});
}

TEST(LoraGolden, Qwen2) {
  check({tiny_qwen2(),
         {0.32207786, -0.20581279, 0.23881544},
         3.780620691,
         {0.03166561, -0.07135471, 0.00709639, 0.00724618, 0.11979902}});
}

TEST(LoraGolden, Qwen3) {
  check({tiny_qwen3(),
         {-0.08873481, 0.63764500, 0.26312382},
         4.667610082,
         {0.02456218, -0.01258868, -0.02105162, -0.00327557, 0.03339568}});
}

TEST(LoraGolden, Exaone4) {
  check({tiny_exaone4(),
         {0.58721668, 0.03992860, 0.72451263},
         4.120346800,
         {0.00954857, -0.03766028, 0.02044202, 0.00350791, 0.10155547}});
}

TEST(LoraGolden, Granite) {
  check({tiny_granite(),
         {0.14598723, 0.02983934, -0.00294217},
         3.686842469,
         {0.00005824, -0.00005567, -0.00025445, -0.00023036, -0.00049614}});
}

TEST(LoraGolden, Olmo2) {
  check({tiny_olmo2(),
         {-0.90894591, -0.17514082, 0.45885138},
         4.903353935,
         {0.03060404, -0.05930512, 0.02860084, 0.03923717, -0.15541741}});
}

TEST(LoraGolden, Gemma3) {
  check({tiny_gemma3(),
         {1.27555612, -0.10816777, -1.06652628},
         3.545063221,
         {0.06321720, 0.11594119, 0.04143326, 0.07864487, 0.34179121}});
}

TEST(LoraAdapter, FreshAdapterChangesNothing) {
  Decoder decoder = make_decoder(tiny_llama());
  const at::Tensor base = last_logits(decoder);
  LoraAdapter adapter = LoraAdapter::create(tiny_config(), decoder.spec(), LoraInit::kKaiming, 42);
  adapter.attach(decoder);
  EXPECT_TRUE(at::equal(last_logits(decoder), base));
  LoraAdapter::detach(decoder);
  EXPECT_TRUE(at::equal(last_logits(decoder), base));
}

TEST(LoraAdapter, InitialisationFollowsSeedAndBound) {
  const DecoderSpec spec = tiny_llama();
  const auto make = [&](uint64_t seed) {
    return LoraAdapter::create(tiny_config(), spec, LoraInit::kKaiming, seed).parameters();
  };
  EXPECT_TRUE(at::equal(make(1), make(1)));
  EXPECT_FALSE(at::equal(make(1), make(2)));
  for (const LoraTensors& t :
       LoraAdapter::create(tiny_config(), spec, LoraInit::kKaiming, 1).to_file().modules) {
    EXPECT_LE(t.a.abs().max().item<double>(), 1.0 / std::sqrt(static_cast<double>(t.a.size(1))));
    EXPECT_GT(t.a.std().item<double>(), 0.02);
    EXPECT_EQ(t.b.abs().max().item<double>(), 0.0);
  }
}

TEST(LoraAdapter, RankZeroAndRankAboveTheMatrixAreRefused) {
  for (const int64_t rank : {int64_t{0}, int64_t{17}, int64_t{1000}}) {
    LoraConfig config = tiny_config();
    config.rank = rank;
    try {
      LoraAdapter::create(config, tiny_llama(), LoraInit::kKaiming, 1);
      FAIL() << rank;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kConfig);
      EXPECT_THAT(error.what(), testing::HasSubstr("rank"));
    }
  }
}

TEST(LoraAdapter, OccupiedSlotIsRefused) {
  Decoder decoder = make_decoder(tiny_llama());
  LoraAdapter first = LoraAdapter::create(tiny_config(), decoder.spec(), LoraInit::kKaiming, 1);
  LoraAdapter second = LoraAdapter::create(tiny_config(), decoder.spec(), LoraInit::kGaussian, 2);
  first.attach(decoder);
  EXPECT_THROW(second.attach(decoder), Error);
}

// One linear with dropout against the same in plain operations, with the mask read off an identity.
TEST(LoraLinear, DropoutGradients) {
  torch::manual_seed(7);
  const LoraDropout dropout{.p = 0.25, .key = 99, .position = 1000};
  const at::Tensor x = torch::randn({50, 24}).requires_grad_(true), weight = torch::randn({10, 24});
  const at::Tensor a = torch::randn({3, 24}).requires_grad_(true),
                   b = torch::randn({10, 3}).requires_grad_(true);
  const at::Tensor eye = torch::eye(24), zero = torch::zeros({24, 24});
  const at::Tensor mask =
      lora_linear(torch::ones({50, 24}), zero, {}, eye, eye, 1.0, dropout).detach();
  EXPECT_NEAR(mask.eq(0).to(at::kFloat).mean().item<double>(), 0.25, 0.05);
  const at::Tensor ours = lora_linear(x, weight, {}, a, b, 0.7, dropout);
  const at::Tensor plain = at::mm(x, weight.t()) + 0.7 * at::mm(at::mm(x * mask, a.t()), b.t());
  EXPECT_TRUE(at::allclose(ours, plain, 1e-4, 1e-5));
  const at::Tensor weighting = torch::randn({50, 10});
  const auto g1 = torch::autograd::grad({(ours * weighting).sum()}, {x, a, b});
  const auto g2 = torch::autograd::grad({(plain * weighting).sum()}, {x, a, b});
  for (size_t i = 0; i < 3; ++i) EXPECT_TRUE(at::allclose(g1[i], g2[i], 1e-4, 1e-4)) << i;
}

}  // namespace
}  // namespace telora
