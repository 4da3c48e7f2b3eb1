// Hand-written gradients against LibTorch's own, composed from plain operations.
#include "backbone/ops.h"

#include <gtest/gtest.h>

#include "backbone/kernels.h"
#include "backbone/torch.h"
#include "core/random.h"

namespace telora {
namespace {

at::Tensor leaf(at::IntArrayRef shape) { return torch::randn(shape).requires_grad_(true); }

// Compares value and gradients of two ways to compute one function, under a random weighting of the
// outputs.
template <typename F, typename G>
void expect_same(F ours, G plain, std::vector<at::Tensor> inputs, double tolerance = 1e-4) {
  const at::Tensor mine = ours(), theirs = plain();
  EXPECT_TRUE(at::allclose(mine, theirs, tolerance, tolerance));
  const at::Tensor weighting = torch::randn(mine.sizes());
  const auto g1 = torch::autograd::grad({(mine * weighting).sum()}, inputs);
  const auto g2 = torch::autograd::grad({(theirs * weighting).sum()}, inputs);
  for (size_t i = 0; i < inputs.size(); ++i)
    EXPECT_TRUE(at::allclose(g1[i], g2[i], tolerance, tolerance)) << i;
}

TEST(Ops, RmsNorm) {
  torch::manual_seed(1);
  const at::Tensor x = leaf({37, 50}), weight = torch::randn({50});
  expect_same([&] { return rms_norm(x, weight, 1e-5); },
              [&] { return weight * x * torch::rsqrt(x.pow(2).mean(1, true) + 1e-5); }, {x});
}

TEST(Ops, RmsNormExample) {
  const at::Tensor y = rms_norm(torch::tensor({{1.0f, -2.0f, 3.0f, 0.5f}}),
                                torch::tensor({1.0f, 1.0f, 2.0f, 1.0f}), 1e-5);
  const at::Tensor wanted = torch::tensor({{0.52981220f, -1.05962440f, 3.17887319f, 0.26490610f}});
  EXPECT_TRUE(at::allclose(y, wanted, 1e-6, 1e-7));
}

TEST(Ops, Swiglu) {
  torch::manual_seed(2);
  const at::Tensor gate = leaf({23, 33}), up = leaf({23, 33});
  expect_same([&] { return swiglu(gate, up); }, [&] { return at::silu(gate) * up; }, {gate, up});
}

TEST(Ops, SwigluOfExtremes) {
  const at::Tensor gate = torch::tensor({-200.0f, -90.0f, 0.0f, 90.0f, 200.0f});
  const at::Tensor y = swiglu(gate, at::ones_like(gate));
  EXPECT_TRUE(at::allclose(y, at::silu(gate), 1e-6, 1e-6));
}

TEST(Ops, RotaryExample) {
  const std::vector<float> angles{3.0f, 3.0f * 0.01f};
  const at::Tensor angle = torch::tensor(angles).unsqueeze(0);
  const at::Tensor y =
      rotate(torch::tensor({{1.0f, 2.0f, 3.0f, 4.0f}}), {angle.cos(), angle.sin()}, 4);
  const at::Tensor wanted = torch::tensor({{-1.41335252f, 1.87911807f, -2.82885748f, 4.05819114f}});
  EXPECT_TRUE(at::allclose(y, wanted, 1e-6, 1e-6));
}

at::Tensor plain_rotate(const at::Tensor& x, const RopeAngles& angles, int64_t dim) {
  const at::Tensor heads = x.view({x.size(0), -1, dim});
  const auto halves = heads.chunk(2, 2);
  const at::Tensor c = angles.cosine.unsqueeze(1), s = angles.sine.unsqueeze(1);
  return at::cat({halves[0] * c - halves[1] * s, halves[1] * c + halves[0] * s},
                 2);  // [T, heads, dim]
}

at::Tensor plain_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                           const RopeAngles& angles, const std::vector<AttentionSegment>& segments,
                           const AttentionShape& shape) {
  const int64_t group = shape.heads / shape.kv_heads;
  const at::Tensor rq = plain_rotate(q, angles, shape.head_dim);
  const at::Tensor rk = plain_rotate(k, angles, shape.head_dim).repeat_interleave(group, 1);
  const at::Tensor rv =
      v.view({v.size(0), shape.kv_heads, shape.head_dim}).repeat_interleave(group, 1);
  std::vector<at::Tensor> out;
  for (const AttentionSegment& s : segments) {
    const auto take = [&](const at::Tensor& x) {
      return x.narrow(0, s.query_begin, s.query_count).transpose(0, 1);
    };
    const at::Tensor scores = at::matmul(take(rq), take(rk).transpose(1, 2)) * shape.scale;
    const at::Tensor mask = torch::ones({s.query_count, s.query_count}, torch::kBool).triu(1);
    const at::Tensor weights = at::softmax(scores.masked_fill(mask, -INFINITY), 2);
    out.push_back(at::matmul(weights, take(rv)).transpose(0, 1).reshape({s.query_count, -1}));
  }
  return at::cat(out, 0);
}

TEST(Ops, PackedAttention) {
  torch::manual_seed(3);
  const AttentionShape shape{.heads = 6, .kv_heads = 2, .head_dim = 8, .scale = 0.3};
  RowPacker packer;
  for (const size_t n : {5, 1, 40, 17}) packer.add(std::vector<int32_t>(n, 0));
  const PackedRows rows = packer.finish();
  const at::Tensor q = leaf({63, 48}), k = leaf({63, 16}), v = leaf({63, 16});
  const at::Tensor angle =
      rows.positions.to(at::kFloat).unsqueeze(1) * torch::tensor({1.0f, 0.3f, 0.1f, 0.01f});
  const RopeAngles angles{angle.cos(), angle.sin()};
  expect_same([&] { return packed_attention(q, k, v, angles, rows.segments, shape); },
              [&] { return plain_attention(q, k, v, angles, rows.segments, shape); }, {q, k, v});
}

// A prefix read once against the same prefix in front of every row.
TEST(Ops, SharedPrefixGradientIsTheSumOverRows) {
  torch::manual_seed(8);
  const AttentionShape shape{.heads = 6, .kv_heads = 2, .head_dim = 8, .scale = 0.3};
  const std::vector<size_t> lengths{7, 1, 12};
  RowPacker shared, separate;
  shared.add(std::vector<int32_t>(9, 0));
  std::vector<at::Tensor> index;
  int64_t begin = 9;
  for (const size_t n : lengths) {
    shared.add_branch(0, std::vector<int32_t>(n, 0));
    separate.add(std::vector<int32_t>(9 + n, 0));
    index.push_back(torch::arange(9));
    index.push_back(torch::arange(begin, begin + static_cast<int64_t>(n)));
    begin += static_cast<int64_t>(n);
  }
  const at::Tensor where =
      at::cat(index);  // of each token of the separate rows among the shared ones
  const PackedRows one = shared.finish(), many = separate.finish();
  const at::Tensor q = leaf({29, 48}), k = leaf({29, 16}), v = leaf({29, 16});
  const auto angles = [](const PackedRows& rows) {
    const at::Tensor angle =
        rows.positions.to(at::kFloat).unsqueeze(1) * torch::tensor({1.0f, 0.3f, 0.1f, 0.01f});
    return RopeAngles{angle.cos(), angle.sin()};
  };
  expect_same(
      [&] {
        return packed_attention(q, k, v, angles(one), one.segments, shape).index_select(0, where);
      },
      [&] {
        const auto take = [&](const at::Tensor& x) { return x.index_select(0, where); };
        return packed_attention(take(q), take(k), take(v), angles(many), many.segments, shape);
      },
      {q, k, v});
}

TEST(Ops, PackedAttentionWithoutGradientIsTheSame) {
  torch::manual_seed(4);
  const AttentionShape shape{.heads = 4, .kv_heads = 4, .head_dim = 16, .scale = 0.25};
  RowPacker packer;
  for (const size_t n : {9, 1, 30}) packer.add(std::vector<int32_t>(n, 0));
  const PackedRows rows = packer.finish();
  const at::Tensor q = leaf({40, 64}), k = leaf({40, 64}), v = leaf({40, 64});
  const at::Tensor angle = rows.positions.to(at::kFloat).unsqueeze(1) * torch::rand({8});
  const RopeAngles angles{angle.cos(), angle.sin()};
  const at::Tensor with = packed_attention(q, k, v, angles, rows.segments, shape);
  const at::NoGradGuard no_gradient;
  EXPECT_TRUE(
      at::allclose(with, packed_attention(q, k, v, angles, rows.segments, shape), 1e-5, 1e-6));
}

TEST(Ops, CrossEntropyAcrossChunks) {
  torch::manual_seed(5);
  const at::Tensor hidden = leaf({600, 12}), head = torch::randn({70, 12}),
                   targets = torch::randint(70, {600});
  expect_same([&] { return cross_entropy_sum(hidden, head, 0.5, targets).to(at::kFloat); },
              [&] {
                const at::Tensor log_p = at::log_softmax(at::mm(hidden, head.t()) * 0.5, 1);
                return -log_p.gather(1, targets.unsqueeze(1)).sum();
              },
              {hidden}, 1e-3);
}

// The vectorised generator is the published one: element order is word, half, lane within blocks of
// 128.
TEST(Kernels, DropoutMaskIsPhilox) {
  const int64_t n = 1000;
  const std::vector<float> x(n, 1.0f);
  std::vector<float> y(n);
  const uint64_t key = 0x0123456789ABCDEF, first_block = 77;
  const uint32_t threshold = 20000;
  kernels::dropout(x.data(), y.data(), n, first_block, key, threshold);
  for (int64_t i = 0; i < n; ++i) {
    const uint64_t counter =
        (first_block + static_cast<uint64_t>(i / 128)) * 16 + static_cast<uint64_t>(i % 16);
    const auto words =
        philox({static_cast<uint32_t>(counter), static_cast<uint32_t>(counter >> 32), 0, 0},
               {static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)});
    const auto slot = static_cast<size_t>((i % 128) / 16);
    const uint32_t draw = (words[slot / 2] >> (16 * (slot % 2))) & 0xFFFF;
    ASSERT_EQ(y[static_cast<size_t>(i)] == 0.0f, draw < threshold) << i;
    if (draw >= threshold) {
      ASSERT_FLOAT_EQ(y[static_cast<size_t>(i)], 65536.0f / (65536.0f - 20000.0f));
    }
  }
}

// The textbook steps in double precision.
TEST(Kernels, AdamW) {
  torch::manual_seed(6);
  const double rate = 3e-3, decay = 0.01;
  at::Tensor ours = torch::randn({1000}), plain = ours.to(at::kDouble);
  at::Tensor m = torch::zeros({1000}), v = torch::zeros({1000});
  at::Tensor plain_m = m.to(at::kDouble), plain_v = v.to(at::kDouble);
  for (int step = 1; step <= 5; ++step) {
    const at::Tensor g = torch::randn({1000});
    const double c1 = 1 - std::pow(0.9, step), c2 = 1 - std::pow(0.999, step);
    plain_m = 0.9 * plain_m + 0.1 * g;
    plain_v = 0.999 * plain_v + 0.001 * g * g;
    plain = plain * (1 - rate * decay) - rate * (plain_m / c1) / ((plain_v / c2).sqrt() + 1e-8);
    const kernels::AdamWStep values{
        3e-3f, 0.9f, 0.999f, 1e-8f, 0.01f, static_cast<float>(c1), static_cast<float>(c2), 1.0f};
    kernels::adamw(values, g.data_ptr<float>(), ours.data_ptr<float>(), m.data_ptr<float>(),
                   v.data_ptr<float>(), 1000);
  }
  EXPECT_TRUE(at::allclose(ours.to(at::kDouble), plain, 1e-5, 1e-6));
}

}  // namespace
}  // namespace telora
