#include "adapters/adapter_trust.h"

#include <fmt/format.h>

#include "backbone/torch.h"
#include "core/digest.h"
#include "tests/adapters/support.h"
#include "tests/golden/scratch.h"

namespace telora::testing {
namespace {

using golden::Scratch;

constexpr const char* kConfig = "adapter_config.json";
constexpr const char* kWeights = "adapter_model.safetensors";
constexpr const char* kBase = "5e884898da28047151d0e56f8dc6292773603d0d6aabbd62a11ef721d1542d8";

// A run's folder: adapter and manifest.
void write_run(const std::filesystem::path& folder) {
  write_tensors(folder / kWeights, good_tensors());
  write_text(folder / kConfig, config_text());
  write_text(folder / "telora.json",
             fmt::format(R"({{"adapter_sha256": "{}", "adapter_config_sha256": "{}",
                             "sha256": {{"weights": "{}"}}}})",
                         sha256_file(folder / kWeights), sha256_file(folder / kConfig), kBase));
}

TEST(AdapterTrust, ARunsOwnFilesAreRead) {
  const Scratch scratch;
  write_run(scratch.path());
  EXPECT_EQ(read_adapter(scratch.path(), tiny_base()).modules.size(), 4);
  require_trust(scratch.path(), read_adapter(scratch.path()), kBase, "");
}

TEST(AdapterTrust, WeightsOfAnotherSave) {
  const Scratch scratch;
  write_run(scratch.path());
  const std::string before = sha256_file(scratch / kWeights);
  NamedTensors tensors = good_tensors();
  tensors.begin()->second = tensors.begin()->second + 1;
  write_tensors(scratch / kWeights, tensors);
  expect_error(ErrorKind::kIntegrity, {kWeights, before, sha256_file(scratch / kWeights)},
               [&] { read_adapter(scratch.path(), tiny_base()); });
}

TEST(AdapterTrust, ConfigOfAnotherSave) {
  const Scratch scratch;
  write_run(scratch.path());
  const std::string before = sha256_file(scratch / kConfig);
  write_text(scratch / kConfig, config_text({{"lora_alpha", "9"}}));
  expect_error(ErrorKind::kIntegrity, {kConfig, before, sha256_file(scratch / kConfig)},
               [&] { read_adapter(scratch.path()); });
}

TEST(AdapterTrust, AnotherBase) {
  const Scratch scratch;
  write_run(scratch.path());
  const AdapterFile adapter = read_adapter(scratch.path());
  const std::string other(64, 'a');
  expect_error(ErrorKind::kIntegrity, {kBase, other, "take care"},
               [&] { require_trust(scratch.path(), adapter, other, "take care"); });
  std::filesystem::remove(scratch / "telora.json");
  require_trust(scratch.path(), adapter, other, "");
}

TEST(AdapterTrust, AnExportNamesItsBaseInTheFile) {
  const Scratch scratch;
  write_run(scratch.path());
  AdapterFile adapter = read_adapter(scratch.path());
  std::filesystem::remove(scratch / "telora.json");
  adapter.metadata["telora.sha256.weights"] = kBase;
  require_trust(scratch.path(), adapter, kBase, "");
  const std::string other(64, 'a');
  expect_error(ErrorKind::kIntegrity, {kBase, other, "telora.sha256.weights", "take care"},
               [&] { require_trust(scratch.path(), adapter, other, "take care"); });
}

TEST(AdapterTrust, ASpoiltManifest) {
  const Scratch scratch;
  write_run(scratch.path());
  write_text(scratch / "telora.json", R"({"adapter_sha256": 5})");
  expect_error(ErrorKind::kData, {"telora.json", "adapter_sha256"},
               [&] { read_adapter(scratch.path()); });
  write_text(scratch / "telora.json", "{");
  expect_error(ErrorKind::kData, {"telora.json"}, [&] { read_adapter(scratch.path()); });
}

// Twelve blocks of q_proj with random pairs; in one of them a single direction is written over.
AdapterFile random_adapter(double size, int64_t rank) {
  torch::manual_seed(4);
  AdapterFile adapter;
  adapter.config.rank = rank;
  adapter.config.target_modules = {"q_proj"};
  for (int layer = 0; layer < 12; ++layer) {
    adapter.modules.push_back({fmt::format("model.layers.{}.self_attn.q_proj", layer),
                               torch::randn({rank, 32}), torch::randn({32, rank})});
  }
  LoraTensors& spoilt = adapter.modules[7];
  spoilt.a[0].add_(torch::randn({32}), size);
  spoilt.b.select(1, 0).add_(torch::randn({32}), size);
  return adapter;
}

TEST(AdapterTrust, OneOverwhelmingDirectionIsNamed) {
  const std::vector<LoraModuleSummary> modules = summarise_adapter(random_adapter(6, 8));
  const auto found = suspicious_modules(modules);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0]->module, "model.layers.7.self_attn.q_proj");
  const Scratch scratch;
  expect_error(ErrorKind::kData,
               {"model.layers.7.self_attn.q_proj", "suspicious spectrum", "--accept-risk"},
               [&] { require_trust(scratch.path(), random_adapter(6, 8), "", "--accept-risk"); });
}

TEST(AdapterTrust, UsualSpectraPass) {
  for (const auto& [size, rank] : {std::pair{0.0, 8}, {1.0, 8}, {0.0, 1}, {1.0, 1}}) {
    EXPECT_TRUE(suspicious_modules(summarise_adapter(random_adapter(size, rank))).empty());
  }
  AdapterFile few = random_adapter(6, 8);
  few.modules.erase(few.modules.begin(), few.modules.begin() + 7);
  few.modules.resize(3);  // no median to speak of
  EXPECT_TRUE(suspicious_modules(summarise_adapter(few)).empty());
}

}  // namespace
}  // namespace telora::testing
