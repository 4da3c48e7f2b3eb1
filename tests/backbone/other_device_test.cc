// The decoder on a device whose memory the processor cannot read gives what it gives on the CPU.
#include "tests/golden/other_device.h"

#include <gtest/gtest.h>

#include "backbone/decoder.h"
#include "backbone/device.h"
#include "backbone/product_type.h"
#include "backbone/torch.h"
#include "core/error.h"
#include "tests/golden/tiny_models.h"

namespace telora {
namespace {

Decoder make(const DecoderSpec& spec, at::Device device) {
  std::unordered_map<std::string, at::Tensor> weights;
  for (const auto& [name, tensor] : golden::tiny_weights(spec)) weights[name] = tensor;
  return {spec, weights, at::kFloat, device};
}

std::vector<int32_t> ids(size_t count, int32_t step) {
  std::vector<int32_t> all;
  for (size_t i = 0; i < count; ++i) all.push_back(static_cast<int32_t>(i) * step % 40);
  return all;
}

PackedRows branched() {
  RowPacker packer;
  packer.add(ids(6, 3));
  packer.add_branch(0, ids(4, 7));
  packer.add_branch(0, ids(9, 11));
  packer.add(ids(5, 13));
  return packer.finish();
}

struct Family {
  const char* name;
  DecoderSpec (*spec)();
};

void PrintTo(const Family& family, std::ostream* out) { *out << family.name; }

class OtherDevice : public ::testing::TestWithParam<std::tuple<Family, at::Device>> {
 protected:
  static DecoderSpec spec() { return std::get<0>(GetParam()).spec(); }
  static at::Device device() { return std::get<1>(GetParam()); }
};

TEST_P(OtherDevice, LogitsAndLossAreThoseOfTheCpu) {
  const at::NoGradGuard no_gradient;
  const Decoder here = make(spec(), at::kCPU), there = make(spec(), device());
  const PackedRows rows = branched();
  const at::Tensor wanted = torch::tensor({9, 18, 23}, at::kLong), targets = wanted + 1;
  const at::Tensor cpu = here.hidden(rows, wanted), other = there.hidden(rows, wanted);
  EXPECT_EQ(other.device(), device());
  EXPECT_TRUE(at::allclose(other.to(at::kCPU), cpu, 1e-5, 1e-5));
  EXPECT_TRUE(at::allclose(there.logits(other).to(at::kCPU), here.logits(cpu), 1e-5, 1e-5));
  EXPECT_NEAR(there.loss_sum(other, targets).item<double>(),
              here.loss_sum(cpu, targets).item<double>(), 1e-4);
}

TEST_P(OtherDevice, ReadsThroughACache) {
  const at::NoGradGuard no_gradient;
  const std::vector<int32_t> row = ids(9, 5);
  const auto read = [&](at::Device where) {
    const Decoder decoder = make(spec(), where);
    KeyValueCache cache = decoder.make_cache(20);
    at::Tensor last;
    for (int64_t known = 0; known < 9; known += 3) {
      const AttentionSegment segment{
          .query_begin = 0, .query_count = 3, .key_begin = 4, .key_count = known + 3};
      const at::Tensor positions = torch::arange(known, known + 3);
      cache.write_slots = positions + 4;
      const at::Tensor tokens = torch::tensor(row).to(at::kLong).narrow(0, known, 3);
      last = decoder.logits(decoder.hidden({tokens, positions, {segment}}, {}, &cache));
    }
    return last.to(at::kCPU);
  };
  EXPECT_TRUE(at::allclose(read(device()), read(at::kCPU), 1e-5, 1e-5));
}

INSTANTIATE_TEST_SUITE_P(
    Families, OtherDevice,
    ::testing::Combine(::testing::Values(Family{"llama", golden::tiny_llama},
                                         Family{"qwen2", golden::tiny_qwen2},
                                         Family{"qwen3", golden::tiny_qwen3},
                                         Family{"exaone4", golden::tiny_exaone4},
                                         Family{"granite", golden::tiny_granite},
                                         Family{"olmo2", golden::tiny_olmo2},
                                         Family{"gemma3", golden::tiny_gemma3}),
                       ::testing::ValuesIn(golden::devices_beside_the_cpu())),
    [](const auto& info) {
      const bool cuda = std::get<1>(info.param).is_cuda();
      return std::string(std::get<0>(info.param).name) + (cuda ? "_cuda" : "");
    });

// The stand-in itself: what would be an error on a GPU is one here.
TEST(StandIn, RefusesTheProcessorAndOtherDevices) {
  const at::Tensor here = torch::ones({3}), there = here.to(golden::other_device());
  EXPECT_EQ((there + there).to(at::kCPU)[2].item<float>(), 2.0f);
  EXPECT_DEATH(EXPECT_EQ(there.data_ptr<float>()[0], 1.0f), "");
  EXPECT_THROW(there + here, c10::Error);
}

TEST(Device, Names) {
  EXPECT_EQ(open_device("cpu"), at::Device(at::kCPU));
  try {
    open_device("gpu");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
  }
}

TEST(Device, WithoutAGpuCudaIsUnavailable) {
  if (at::hasCUDA()) GTEST_SKIP() << "there is one";
  try {
    open_device("cuda");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUnavailable);
    EXPECT_NE(std::string(error.what()).find("--device cpu"), std::string::npos) << error.what();
  }
}

TEST(Device, BfloatIsMultipliedAsSuchOnAGpu) {
  EXPECT_EQ(product_type(at::kBFloat16, at::Device(at::kCUDA, 0)), at::kBFloat16);
  EXPECT_EQ(product_type(at::kFloat, at::Device(at::kCUDA, 0)), at::kFloat);
}

}  // namespace
}  // namespace telora
