// DoRA, PiSSA and OLoRA: the nodes against LibTorch's own gradients, the starts against their
// definitions, the saved forms against what was trained.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/dora_linear.h"
#include "adapters/lora_adapter.h"
#include "adapters/residual_lora_linear.h"
#include "backbone/torch.h"
#include "core/error.h"
#include "tests/golden/scratch.h"
#include "tests/golden/tiny_models.h"

namespace telora {
namespace {

using namespace golden;

const std::vector<int32_t> kTokens{3, 1, 4, 1, 5, 9, 2, 6};

Decoder make_decoder(const DecoderSpec& spec, at::ScalarType type = at::kFloat) {
  std::unordered_map<std::string, at::Tensor> weights;
  for (const auto& [name, tensor] : tiny_weights(spec)) weights[name] = tensor;
  return {spec, weights, type};
}

LoraConfig small_config() {
  LoraConfig config;
  config.rank = 3;
  config.alpha = 5;
  config.target_regex = "all-linear";
  return config;
}

at::Tensor last_logits(const Decoder& decoder) {
  const at::NoGradGuard no_gradient;
  return decoder.logits(decoder.hidden(pack_rows({&kTokens, 1}), torch::tensor({7})))[0];
}

void shake(const LoraAdapter& adapter, double size) {
  const at::NoGradGuard no_gradient;
  torch::manual_seed(5);
  adapter.parameters().add_(torch::randn_like(adapter.parameters()), size);
}

bool close(const at::Tensor& ours, const at::Tensor& theirs, double tolerance = 1e-5) {
  const double scale = theirs.abs().max().item<double>();
  const double error = (ours.to(at::kDouble) - theirs).abs().max().item<double>();
  EXPECT_LE(error, tolerance * scale);
  return error <= tolerance * scale;
}

struct Operands {
  at::Tensor x, weight, bias, a, b, magnitude;
};

Operands random_operands(at::ScalarType type) {
  torch::manual_seed(11);
  const auto random = [&](at::IntArrayRef sizes) {
    return torch::randn(sizes).to(type).requires_grad_(true);
  };
  return {random({50, 24}),
          torch::randn({10, 24}).to(type),
          torch::randn({10}).to(type),
          random({3, 24}),
          random({10, 3}),
          (torch::rand({10}) * 4 + 3).to(type).requires_grad_(true)};
}

Operands in_double(const Operands& o) {
  const auto copy = [](const at::Tensor& t) {
    return t.detach().to(at::kDouble).requires_grad_(t.requires_grad());
  };
  return {copy(o.x), copy(o.weight), copy(o.bias), copy(o.a), copy(o.b), copy(o.magnitude)};
}

// The definition, with the norm of the whole matrix, and the mask given.
at::Tensor plain_dora(const Operands& o, const at::Tensor& mask, double scale) {
  const at::Tensor whole = o.weight + scale * at::mm(o.b, o.a);
  const at::Tensor factor = o.magnitude / whole.norm(2, 1).detach();
  const at::Tensor dropped = o.x * mask;
  return at::linear(o.x, o.weight, o.bias) + (factor - 1) * at::mm(dropped, o.weight.t()) +
         factor * scale * at::mm(at::mm(dropped, o.a.t()), o.b.t());
}

void check_dora_gradients(const LoraDropout& dropout) {
  const double scale = 0.7;
  const Operands o = random_operands(at::kFloat), reference = in_double(o);
  const at::Tensor mask = drop(torch::ones({50, 24}), dropout).to(at::kDouble);
  const at::Tensor squares = row_lengths(o.weight).square();
  const at::Tensor norms = dora_norms(o.weight, squares, o.a, o.b, scale);
  const at::Tensor whole = reference.weight + scale * at::mm(reference.b, reference.a);
  EXPECT_TRUE(close(norms, whole.norm(2, 1).detach(), 1e-6));
  const at::Tensor ours =
      dora_linear(o.x, o.weight, o.bias, o.a, o.b, o.magnitude, norms, scale, dropout);
  const at::Tensor theirs = plain_dora(reference, mask, scale);
  EXPECT_TRUE(close(ours, theirs));
  const at::Tensor weighting = torch::randn({50, 10});
  const auto g1 = torch::autograd::grad({(ours * weighting).sum()}, {o.x, o.a, o.b, o.magnitude});
  const auto g2 = torch::autograd::grad(
      {(theirs * weighting).sum()}, {reference.x, reference.a, reference.b, reference.magnitude});
  for (size_t i = 0; i < g1.size(); ++i) EXPECT_TRUE(close(g1[i], g2[i])) << i;
}

TEST(DoraLinear, ValuesAndGradientsAreThoseOfTheDefinition) { check_dora_gradients({}); }

TEST(DoraLinear, WithDropoutTheBasePartSeesTheDroppedInputToo) {
  check_dora_gradients({.p = 0.25, .key = 99, .position = 1000});
}

TEST(DoraLinear, BfloatProductsStayNearTheDefinition) {
  const Operands o = random_operands(at::kBFloat16), reference = in_double(o);
  const auto wide = [](const at::Tensor& t) { return t.detach().to(at::kFloat); };
  const at::Tensor norms =
      dora_norms(o.weight, row_lengths(o.weight).square(), wide(o.a), wide(o.b), 0.7);
  const at::Tensor ours =
      dora_linear(o.x, o.weight, o.bias, wide(o.a), wide(o.b), wide(o.magnitude), norms, 0.7, {});
  const at::Tensor theirs = plain_dora(reference, torch::ones({50, 24}, at::kDouble), 0.7);
  EXPECT_TRUE(close(ours.detach(), theirs.detach(), 0.01));
}

TEST(ResidualLora, ValuesAndGradientsAreThoseOfTheDefinition) {
  const Operands o = random_operands(at::kFloat), reference = in_double(o);
  const at::Tensor a0 = torch::randn({3, 24}), b0 = torch::randn({10, 3});
  const at::Tensor ours = residual_lora_linear(o.x, o.weight, o.bias, o.a, o.b, a0, b0, 0.7);
  const at::Tensor rest = reference.weight - 0.7 * at::mm(b0, a0).to(at::kDouble);
  const at::Tensor theirs = at::linear(reference.x, rest, reference.bias) +
                            0.7 * at::mm(at::mm(reference.x, reference.a.t()), reference.b.t());
  EXPECT_TRUE(close(ours, theirs));
  const at::Tensor weighting = torch::randn({50, 10});
  const auto g1 = torch::autograd::grad({(ours * weighting).sum()}, {o.x, o.a, o.b});
  const auto g2 =
      torch::autograd::grad({(theirs * weighting).sum()}, {reference.x, reference.a, reference.b});
  for (size_t i = 0; i < g1.size(); ++i) EXPECT_TRUE(close(g1[i], g2[i])) << i;
}

// At the start the pair and what was taken out cancel to the last bit, in bfloat16 too.
TEST(ResidualLora, BeginsAsTheBase) {
  torch::manual_seed(1);
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    const at::Tensor x = torch::randn({5, 24}).to(type), w = torch::randn({10, 24}).to(type);
    const at::Tensor a = torch::randn({3, 24}), b = torch::randn({10, 3});
    EXPECT_TRUE(at::equal(residual_lora_linear(x, w, {}, a, b, a.clone(), b.clone(), 2.0),
                          at::linear(x, w)));
  }
}

TEST(LoraFactors, PissaTakesTheLargestSingularTriples) {
  torch::manual_seed(3);
  const at::Tensor weight = torch::randn({30, 20});
  const auto [u, s, v] = at::linalg_svd(weight.to(at::kDouble), false);
  const at::Tensor best =
      (u.narrow(1, 0, 4) * s.narrow(0, 0, 4)).mm(v.narrow(0, 0, 4));  // of rank 4
  const LoraFactors exact = lora_factors(weight, 4, 1.5, {.init = LoraInit::kPissa}, 1);
  EXPECT_TRUE(close(1.5 * exact.b.mm(exact.a), best, 1e-5));
  // Each side carries the root of the singular value.
  const at::Tensor roots = (s.narrow(0, 0, 4) / 1.5).sqrt();
  EXPECT_TRUE(close(exact.a.norm(2, 1), roots, 1e-5));
  EXPECT_TRUE(close(exact.b.norm(2, 0), roots, 1e-5));
}

TEST(LoraFactors, TheRandomisedDecompositionComesNear) {
  torch::manual_seed(3);
  const at::Tensor weight = torch::randn({30, 20});
  const auto error = [&](int64_t iterations, uint64_t key) {
    const LoraStart start{.init = LoraInit::kPissa, .pissa_iterations = iterations};
    const LoraFactors f = lora_factors(weight, 4, 1.0, start, key);
    return (weight - f.b.mm(f.a)).norm().item<double>();
  };
  const double least = error(0, 1);
  EXPECT_LT(error(16, 1), 1.005 * least);
  EXPECT_GE(error(16, 1), 0.99999 * least);
  EXPECT_GT(error(1, 1), error(16, 1));
  EXPECT_EQ(error(2, 1), error(2, 1));
  EXPECT_NE(error(2, 1), error(2, 2));
}

TEST(LoraFactors, OloraTakesTheFirstColumnsOfTheQrDecomposition) {
  torch::manual_seed(3);
  for (const auto& sizes : {std::vector<int64_t>{30, 20}, {20, 30}}) {
    const at::Tensor weight = torch::randn(sizes);
    const LoraFactors f = lora_factors(weight, 4, 3.0, {.init = LoraInit::kOlora}, 1);
    EXPECT_TRUE(close(f.b.t().mm(f.b), torch::eye(4, at::kDouble), 1e-5));
    // Q has orthonormal columns, so that the rest has no part along the first ones.
    EXPECT_LT(f.b.t().mm(weight - f.b.mm(f.a)).abs().max().item<double>(), 1e-4);
    EXPECT_LT(f.a.narrow(1, 0, 4).tril(-1).abs().max().item<double>(), 1e-5);
  }
}

LoraAdapter make_adapter(Decoder& decoder, LoraConfig config, LoraInit init) {
  return LoraAdapter::create(config, decoder, {.init = init, .seed = 42});
}

TEST(LoraVariants, FreshOnesChangeNothing) {
  for (const DecoderSpec& spec : {tiny_llama(), tiny_qwen2(), tiny_granite()}) {
    Decoder decoder = make_decoder(spec);
    const at::Tensor base = last_logits(decoder);
    for (const LoraInit init : {LoraInit::kPissa, LoraInit::kOlora}) {
      LoraAdapter adapter = make_adapter(decoder, small_config(), init);
      adapter.attach(decoder);
      EXPECT_TRUE(at::equal(last_logits(decoder), base));
      LoraAdapter::detach(decoder);
    }
    LoraConfig config = small_config();
    config.use_dora = true;
    LoraAdapter adapter = make_adapter(decoder, config, LoraInit::kKaiming);
    adapter.attach(decoder);
    EXPECT_TRUE(close(last_logits(decoder), base.to(at::kDouble), 1e-6));
  }
}

// Saved, read and attached again, each variant gives what was trained.
void check_round_trip(const DecoderSpec& spec, const LoraConfig& config, LoraInit init,
                      at::ScalarType type, double tolerance) {
  const Scratch scratch;
  Decoder decoder = make_decoder(spec, type);
  const at::Tensor base = last_logits(decoder);
  LoraAdapter adapter = make_adapter(decoder, config, init);
  shake(adapter, 0.02);
  adapter.attach(decoder);
  const at::Tensor trained = last_logits(decoder);
  EXPECT_FALSE(at::allclose(trained, base, 1e-3, 1e-3));
  LoraAdapter::detach(decoder);
  write_adapter(scratch.path(), adapter.to_file());
  LoraAdapter read =
      LoraAdapter::from_file(read_adapter(scratch.path(), linear_modules(decoder.spec())));
  EXPECT_FALSE(read.initial_parameters().defined());
  read.attach(decoder);
  EXPECT_TRUE(close(last_logits(decoder), trained.to(at::kDouble), tolerance));
}

TEST(LoraVariants, SavedAndReadAgainTheyAreTheSame) {
  for (const LoraInit init : {LoraInit::kKaiming, LoraInit::kPissa, LoraInit::kOlora}) {
    for (const bool rslora : {false, true}) {
      LoraConfig config = small_config();
      config.use_rslora = rslora;
      config.rank_pattern = {{"o_proj", 2}};
      config.alpha_pattern = {{"layers.0.self_attn.q_proj", 3}};
      check_round_trip(tiny_llama(), config, init, at::kFloat, 1e-5);
      check_round_trip(tiny_qwen2(), config, init, at::kFloat, 1e-5);
    }
  }
  LoraConfig config = small_config();
  config.use_dora = true;
  check_round_trip(tiny_qwen2(), config, LoraInit::kKaiming, at::kFloat, 1e-6);
  check_round_trip(tiny_gemma3(), config, LoraInit::kGaussian, at::kFloat, 1e-6);
}

TEST(LoraVariants, InBfloatReadAgainTheyGiveTheSameBits) {
  LoraConfig config = small_config();
  check_round_trip(tiny_llama(), config, LoraInit::kPissa, at::kBFloat16, 0);
  config.use_dora = true;
  check_round_trip(tiny_llama(), config, LoraInit::kKaiming, at::kBFloat16, 0);
}

TEST(LoraVariants, NormsFollowTheParametersWhereverTheyAreChanged) {
  Decoder decoder = make_decoder(tiny_llama());
  LoraConfig config = small_config();
  config.use_dora = true;
  LoraAdapter adapter = make_adapter(decoder, config, LoraInit::kKaiming);
  adapter.attach(decoder);
  const at::Tensor before = last_logits(decoder);
  shake(adapter, 0.05);
  const at::Tensor after = last_logits(decoder);
  EXPECT_FALSE(at::allclose(after, before));
  LoraAdapter fresh = LoraAdapter::from_file(adapter.to_file());
  LoraAdapter::detach(decoder);
  fresh.attach(decoder);
  EXPECT_TRUE(at::equal(last_logits(decoder), after));
}

TEST(LoraVariants, MagnitudesBeginAsTheRowsLengths) {
  Decoder decoder = make_decoder(tiny_llama());
  LoraConfig config = small_config();
  config.use_dora = true;
  const LoraAdapter adapter = make_adapter(decoder, config, LoraInit::kKaiming);
  int64_t count = 0;
  for (const LoraTensors& t : adapter.to_file().modules) {
    const at::Tensor weight = decoder.find_linear(t.module)->weight();
    EXPECT_TRUE(close(t.magnitude, weight.to(at::kDouble).norm(2, 1), 1e-6)) << t.module;
    count += t.a.numel() + t.b.numel() + t.magnitude.numel();
  }
  EXPECT_EQ(adapter.parameter_count(), count);
  int64_t covered = 0;
  for (const ParameterSpan& span : adapter.layout()) {
    EXPECT_EQ(span.begin, covered);
    covered += span.count;
  }
  EXPECT_EQ(covered, count);
}

TEST(LoraVariants, ARowOfZerosIsRefusedByDora) {
  Decoder decoder = make_decoder(tiny_llama());
  decoder.find_linear("model.layers.1.mlp.up_proj")->weight()[5].zero_();
  LoraConfig config = small_config();
  config.use_dora = true;
  LoraAdapter adapter = make_adapter(decoder, config, LoraInit::kKaiming);
  try {
    adapter.attach(decoder);
    FAIL() << "was attached";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("model.layers.1.mlp.up_proj"),
                                             testing::HasSubstr("row 5")));
  }
}

TEST(LoraVariants, ATakenOutPairMustFitTwice) {
  Decoder decoder = make_decoder(tiny_llama());
  LoraConfig config = small_config();
  config.rank = 9;  // k_proj has 16 rows
  EXPECT_NO_THROW(make_adapter(decoder, config, LoraInit::kKaiming));
  EXPECT_THROW(make_adapter(decoder, config, LoraInit::kPissa), Error);
}

}  // namespace
}  // namespace telora
