// What runs outside the processor's memory against the kernels: on the processor, and on a GPU
// where there is one. The same numbers up to the order of sums, and up to a rounding in bfloat16.
#include "backbone/tensor_ops.h"

#include <gtest/gtest.h>

#include "backbone/device.h"
#include "backbone/torch.h"

namespace telora {
namespace {

struct Place {
  at::ScalarType type;
  at::Device device;
};

std::vector<Place> places() {
  std::vector<Place> all{{at::kFloat, at::kCPU}, {at::kBFloat16, at::kCPU}};
  if (at::hasCUDA()) {
    for (const at::ScalarType type : {at::kFloat, at::kBFloat16})
      all.push_back({type, open_device("cuda")});
  }
  return all;
}

using Tensors = std::vector<at::Tensor>;

class TensorOps : public ::testing::TestWithParam<Place> {
 protected:
  void SetUp() override { torch::manual_seed(11); }
  static at::ScalarType type() { return GetParam().type; }
  static at::Tensor there(const at::Tensor& x) { return x.to(GetParam().device); }
  static RopeAngles there(const RopeAngles& x) { return {there(x.cosine), there(x.sine)}; }
  at::Tensor leaf(at::IntArrayRef shape) const { return constant(shape).requires_grad_(true); }
  at::Tensor constant(at::IntArrayRef shape) const { return torch::randn(shape).to(type()); }

  // The largest difference as a share of the largest value, all of which are about 1; bfloat16
  // keeps eight bits, and probabilities may be rounded to as many before they are multiplied. With
  // a window of 1 gradients of q and k are zero.
  void expect_close(const at::Tensor& ours, const at::Tensor& kernel, const char* what) const {
    ASSERT_EQ(ours.sizes(), kernel.sizes()) << what;
    ASSERT_EQ(ours.scalar_type(), kernel.scalar_type()) << what;
    const at::Tensor mine = ours.to(at::kCPU, at::kDouble);
    const auto error = (mine - kernel.to(at::kDouble)).abs().max().item<double>();
    const double scale = std::max(1.0, kernel.abs().max().item<double>());
    const bool on_cpu = GetParam().device.is_cpu();
    const double share = type() == at::kFloat ? (on_cpu ? 2e-6 : 1e-5) : 1 / 48.0;
    EXPECT_LE(error, share * scale) << what;
    EXPECT_TRUE(at::isfinite(mine).all().item<bool>()) << what;
  }

  // Values, and gradients under one random weighting of the outputs. `ours` takes the inputs where
  // it runs.
  template <typename F, typename G>
  void expect_same(F ours, G kernel, const Tensors& inputs) const {
    Tensors moved;
    for (const at::Tensor& x : inputs) moved.push_back(there(x.detach()).requires_grad_(true));
    const at::Tensor mine = ours(moved), theirs = kernel();
    expect_close(mine, theirs, "value");
    const at::Tensor weighting = torch::randn(theirs.sizes()).to(type());
    const auto g1 = torch::autograd::grad({mine}, moved, {there(weighting)});
    const auto g2 = torch::autograd::grad({theirs}, inputs, {weighting});
    for (size_t i = 0; i < inputs.size(); ++i) expect_close(g1[i], g2[i], "gradient");
  }

  void expect_same_attention(const std::vector<AttentionSegment>& segments, int64_t tokens,
                             const AttentionShape& shape) const {
    const at::Tensor q = leaf({tokens, shape.heads * shape.head_dim}),
                     k = leaf({tokens, shape.kv_heads * shape.head_dim}),
                     v = leaf({tokens, shape.kv_heads * shape.head_dim});
    const at::Tensor angle = torch::rand({tokens, shape.head_dim / 2}) * 6;
    const RopeAngles angles{angle.cos(), angle.sin()};
    const auto ours = [&](const Tensors& x) {
      const auto turned = [&](const at::Tensor& t) {
        return tensor_ops::rotate(t, there(angles), shape.head_dim);
      };
      return tensor_ops::pool_attention(turned(x[0]), turned(x[1]), x[2], segments, shape);
    };
    expect_same(ours, [&] { return packed_attention(q, k, v, angles, segments, shape); },
                {q, k, v});
    const at::NoGradGuard no_gradient;
    expect_close(ours({there(q), there(k), there(v)}),
                 packed_attention(q, k, v, angles, segments, shape), "without gradient");
  }
};

std::vector<AttentionSegment> separate_rows(std::initializer_list<size_t> lengths) {
  RowPacker packer;
  for (const size_t n : lengths) packer.add(std::vector<int32_t>(n, 0));
  return packer.finish().segments;
}

// Rows behind one prefix of nine tokens, then two behind another of four.
std::vector<AttentionSegment> branched_rows() {
  RowPacker packer;
  packer.add(std::vector<int32_t>(9, 0));
  for (const size_t n : {7, 1, 12}) packer.add_branch(0, std::vector<int32_t>(n, 0));
  packer.add(std::vector<int32_t>(4, 0));
  for (const size_t n : {3, 6}) packer.add_branch(4, std::vector<int32_t>(n, 0));
  return packer.finish().segments;
}
constexpr int64_t kBranchedTokens = 9 + 7 + 1 + 12 + 4 + 3 + 6;

TEST_P(TensorOps, RmsNorm) {
  const at::Tensor x = leaf({37, 50}), weight = constant({50});
  expect_same([&](const Tensors& in) { return tensor_ops::rms_norm(in[0], there(weight), 1e-5); },
              [&] { return rms_norm(x, weight, 1e-5); }, {x});
}

TEST_P(TensorOps, Swiglu) {
  const at::Tensor gate = leaf({23, 33}), up = leaf({23, 33});
  expect_same([](const Tensors& in) { return tensor_ops::swiglu(in[0], in[1]); },
              [&] { return swiglu(gate, up); }, {gate, up});
}

TEST_P(TensorOps, RotationAndBack) {
  const at::Tensor x = constant({17, 36}), angle = torch::rand({17, 6}) * 6;
  const RopeAngles angles{angle.cos(), angle.sin()};
  const at::Tensor rotated = tensor_ops::rotate(there(x), there(angles), 12);
  expect_close(rotated, rotate(x, angles, 12), "rotated");
  expect_close(tensor_ops::rotate(rotated, there(angles), 12, -1), x, "back");
}

TEST_P(TensorOps, AttentionOfRows) {
  expect_same_attention(separate_rows({5, 1, 40, 17}), 63, {6, 2, 8, 0.3, 0});
}

TEST_P(TensorOps, AttentionOfOddHeads) {
  expect_same_attention(separate_rows({33, 2}), 35, {3, 3, 10, 0.5, 0});
}

TEST_P(TensorOps, AttentionInAWindow) {
  for (const int64_t window : {1, 4, 16}) {
    expect_same_attention(separate_rows({5, 1, 40, 17}), 63, {4, 1, 16, 0.25, window});
  }
}

TEST_P(TensorOps, AttentionBehindPrefixes) {
  expect_same_attention(branched_rows(), kBranchedTokens, {6, 2, 8, 0.3, 0});
}

// A window that ends within the prefix, at its end, and behind it: some queries see nothing of it.
TEST_P(TensorOps, AttentionInAWindowBehindPrefixes) {
  for (const int64_t window : {1, 3, 8, 30}) {
    expect_same_attention(branched_rows(), kBranchedTokens, {6, 2, 8, 0.3, window});
  }
}

// As generation reads a cache: few queries at the end of long rows that lie anywhere in a pool.
TEST_P(TensorOps, AttentionOverAPool) {
  const std::vector<AttentionSegment> segments{
      {.query_begin = 0, .query_count = 1, .key_begin = 50, .key_count = 30},
      {.query_begin = 1, .query_count = 6, .key_begin = 10, .key_count = 21},
      {.query_begin = 7,
       .query_count = 2,
       .key_begin = 90,
       .key_count = 2,
       .prefix_begin = 31,
       .prefix_count = 12},
      {.query_begin = 9,
       .query_count = 1,
       .key_begin = 92,
       .key_count = 1,
       .prefix_begin = 31,
       .prefix_count = 12}};
  const at::Tensor q = constant({10, 48}), k = constant({100, 16}), v = constant({100, 16});
  for (const int64_t window : {0, 5}) {
    const AttentionShape shape{6, 2, 8, 0.3, window};
    expect_close(tensor_ops::pool_attention(there(q), there(k), there(v), segments, shape),
                 pool_attention(q, k, v, segments, shape), "pool");
  }
}

TEST_P(TensorOps, DropoutIsTheSameBits) {
  const at::Tensor x = constant({31, 77});
  const uint64_t key = 0xFEDCBA9876543210, first_block = (uint64_t{1} << 33) + 77;
  const auto bits = [](const at::Tensor& t) {
    return t.contiguous().view(t.scalar_type() == at::kFloat ? at::kInt : at::kShort);
  };
  for (const uint32_t threshold : {1u, 3277u, 20000u, 65535u}) {
    at::Tensor wanted = at::empty_like(x);
    if (type() == at::kFloat) {
      kernels::dropout(x.data_ptr<float>(), wanted.data_ptr<float>(), x.numel(), first_block, key,
                       threshold);
    } else {
      kernels::dropout(static_cast<const kernels::Bf16*>(x.data_ptr()),
                       static_cast<kernels::Bf16*>(wanted.data_ptr()), x.numel(), first_block, key,
                       threshold);
    }
    const at::Tensor dropped =
        tensor_ops::dropout(there(x), first_block, key, threshold).to(at::kCPU);
    EXPECT_TRUE(at::equal(bits(dropped), bits(wanted))) << threshold;
  }
}

INSTANTIATE_TEST_SUITE_P(Types, TensorOps, ::testing::ValuesIn(places()), [](const auto& info) {
  return std::string(info.param.type == at::kFloat ? "f32" : "bf16") +
         (info.param.device.is_cuda() ? "_cuda" : "");
});

TEST(TensorOpsF32, AdamW) {
  torch::manual_seed(12);
  const int64_t n = 1000;
  const auto numbers = [&] { return torch::randn({n}); };
  at::Tensor ours = numbers(), m = at::zeros({n}), v = at::zeros({n});
  at::Tensor theirs = ours.clone(), their_m = m.clone(), their_v = v.clone();
  for (int step = 1; step <= 5; ++step) {
    const kernels::AdamWStep values{.learning_rate = 3e-3f,
                                    .beta1 = 0.9f,
                                    .beta2 = 0.999f,
                                    .epsilon = 1e-8f,
                                    .weight_decay = 0.01f,
                                    .correction1 = 1 - std::pow(0.9f, static_cast<float>(step)),
                                    .correction2 = 1 - std::pow(0.999f, static_cast<float>(step)),
                                    .gradient_scale = 0.7f};
    const at::Tensor g = numbers();
    tensor_ops::adamw(values, g, ours, m, v);
    kernels::adamw(values, g.data_ptr<float>(), theirs.data_ptr<float>(), their_m.data_ptr<float>(),
                   their_v.data_ptr<float>(), n);
  }
  EXPECT_TRUE(at::allclose(ours, theirs, 1e-6, 1e-7));
  EXPECT_TRUE(at::allclose(m, their_m, 1e-6, 1e-7));
  EXPECT_TRUE(at::allclose(v, their_v, 1e-6, 1e-9));
}

}  // namespace
}  // namespace telora
