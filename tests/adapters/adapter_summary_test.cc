#include "adapters/adapter_summary.h"

#include <cmath>

#include "adapters/described_modules.h"
#include "backbone/torch.h"
#include "tests/adapters/support.h"
#include "tests/golden/scratch.h"

namespace telora::testing {
namespace {

AdapterFile one_module(const at::Tensor& a, const at::Tensor& b) {
  AdapterFile adapter;
  adapter.config.rank = a.size(0);
  adapter.config.alpha = 3.0 * static_cast<double>(a.size(0));
  adapter.config.target_modules = {"q_proj"};
  adapter.modules.push_back({"model.layers.0.self_attn.q_proj", a, b});
  return adapter;
}

TEST(AdapterSummary, EqualsTheSingularValuesOfTheWholeProduct) {
  torch::manual_seed(1);
  const at::Tensor a = torch::randn({5, 40}), b = torch::randn({24, 5});
  const LoraModuleSummary found = summarise_adapter(one_module(a, b)).at(0);
  const at::Tensor values =
      at::linalg_svdvals(b.to(at::kDouble).matmul(a.to(at::kDouble))).narrow(0, 0, 5);
  const at::Tensor shares = values / values.sum();
  EXPECT_EQ(found.rank, 5);
  EXPECT_EQ(found.in, 40);
  EXPECT_EQ(found.out, 24);
  EXPECT_EQ(found.scale, 3.0);
  EXPECT_NEAR(found.norm, 3 * values.norm().item<double>(), 1e-9);
  EXPECT_NEAR(found.spectral_norm, 3 * values[0].item<double>(), 1e-9);
  EXPECT_NEAR(found.effective_rank, std::exp(-(shares * shares.log()).sum().item<double>()), 1e-9);
}

TEST(AdapterSummary, EqualDirectionsCountWhole) {
  const at::Tensor a = torch::eye(3, 8), b = torch::eye(6, 3) * 2;
  const LoraModuleSummary found = summarise_adapter(one_module(a, b)).at(0);
  EXPECT_NEAR(found.effective_rank, 3, 1e-12);
  EXPECT_NEAR(found.norm, 3 * 2 * std::sqrt(3.0), 1e-12);
}

TEST(AdapterSummary, AnUntrainedPairHasNoEffect) {
  const LoraModuleSummary found =
      summarise_adapter(one_module(torch::rand({4, 8}), torch::zeros({6, 4}))).at(0);
  EXPECT_EQ(found.norm, 0);
  EXPECT_EQ(found.spectral_norm, 0);
  EXPECT_EQ(found.effective_rank, 0);
}

TEST(AdapterSummary, CountsMagnitudesAndTheShareOfTheLargestValue) {
  AdapterFile adapter = one_module(torch::eye(2, 8), torch::eye(6, 2) * torch::tensor({3.0, 1.0}));
  EXPECT_NEAR(summarise_adapter(adapter).at(0).top_share, 0.9, 1e-6);
  EXPECT_EQ(summarise_adapter(adapter).at(0).magnitudes, 0);
  adapter.modules[0].magnitude = torch::arange(6) + 0.5;
  const LoraModuleSummary found = summarise_adapter(adapter).at(0);
  EXPECT_EQ(found.magnitudes, 6);
  EXPECT_EQ(found.magnitude_low, 0.5);
  EXPECT_EQ(found.magnitude_high, 5.5);
}

TEST(AdapterSummary, ARankAboveTheLayersSizesIsHandled) {
  const LoraModuleSummary found =
      summarise_adapter(one_module(torch::rand({8, 4}), torch::rand({6, 8}))).at(0);
  EXPECT_GT(found.effective_rank, 1);
  EXPECT_LE(found.effective_rank, 4 + 1e-9);
}

TEST(ReadWithoutBase, GivesTheSameTensors) {
  for (const char* name : {"plain", "patterns", "regex", "all_linear_bf16", "dora"}) {
    const AdapterFile with = read_adapter(peft_folder(name), tiny_base());
    const AdapterFile without = read_adapter(peft_folder(name));
    ASSERT_EQ(with.modules.size(), without.modules.size()) << name;
    for (const LoraTensors& expected : with.modules) {
      const auto found = std::ranges::find(without.modules, expected.module, &LoraTensors::module);
      ASSERT_NE(found, without.modules.end()) << name << " " << expected.module;
      EXPECT_TRUE(found->a.equal(expected.a));
      EXPECT_TRUE(found->b.equal(expected.b));
      EXPECT_EQ(found->magnitude.defined(), std::string(name) == "dora");
      if (expected.magnitude.defined()) {
        EXPECT_TRUE(found->magnitude.equal(expected.magnitude));
      }
    }
  }
}

TEST(ReadWithoutBase, OrdersLayersByNumber) {
  const golden::Scratch scratch;
  NamedTensors tensors;
  for (const int layer : {10, 2, 1}) {
    for (const std::string linear : {"v_proj", "q_proj"}) {
      tensors[attention_name(layer, linear + ".lora_A.weight")] = torch::rand({4, 16});
      tensors[attention_name(layer, linear + ".lora_B.weight")] = torch::rand({8, 4});
    }
  }
  write_tensors(scratch / "adapter_model.safetensors", tensors);
  std::vector<std::string> names;
  for (const ModuleShape& m :
       described_modules(SafetensorsFile(scratch / "adapter_model.safetensors")))
    names.push_back(m.name);
  EXPECT_THAT(names, ::testing::ElementsAre(
                         "model.layers.1.self_attn.q_proj", "model.layers.1.self_attn.v_proj",
                         "model.layers.2.self_attn.q_proj", "model.layers.2.self_attn.v_proj",
                         "model.layers.10.self_attn.q_proj", "model.layers.10.self_attn.v_proj"));
}

TEST(ReadWithoutBase, HalfAPairIsRefused) {
  const golden::Scratch scratch;
  NamedTensors tensors = good_tensors();
  tensors.erase(attention_name(0, "q_proj.lora_B.weight"));
  write_tensors(scratch / "adapter_model.safetensors", tensors);
  write_text(scratch / "adapter_config.json", config_text());
  expect_error(ErrorKind::kData, {"layers.0.self_attn.q_proj"},
               [&] { read_adapter(scratch.path()); });
}

}  // namespace
}  // namespace telora::testing
