// Attention in blocks against the plain form with masks, over row lengths around the block sizes.
#include <gtest/gtest.h>

#include "backbone/block_attention_pairs.h"
#include "backbone/ops.h"
#include "backbone/torch.h"

namespace telora {
namespace {

struct Case {
  const char* name;
  AttentionShape shape;
  int64_t prefix;             // tokens that all rows continue; 0: none
  std::vector<int64_t> rows;  // their own lengths
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

PackedRows pack(const Case& c) {
  RowPacker packer;
  if (c.prefix > 0) packer.add(std::vector<int32_t>(static_cast<size_t>(c.prefix), 0));
  for (const int64_t n : c.rows) {
    const std::vector<int32_t> row(static_cast<size_t>(n), 0);
    c.prefix > 0 ? packer.add_branch(0, row) : packer.add(row);
  }
  return packer.finish();
}

at::Tensor plain_rotate(const at::Tensor& x, const RopeAngles& angles, int64_t dim) {
  const auto halves = x.view({x.size(0), -1, dim}).chunk(2, 2);
  const at::Tensor c = angles.cosine.unsqueeze(1), s = angles.sine.unsqueeze(1);
  return at::cat({halves[0] * c - halves[1] * s, halves[1] * c + halves[0] * s}, 2);
}

// [T, H, d] and [N, H, d] of one segment -> [n, H*d]
at::Tensor attend_plainly(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                          const AttentionShape& shape) {
  const int64_t n = q.size(0), keys = k.size(0);
  const at::Tensor at = torch::arange(keys - n, keys).unsqueeze(1), key = torch::arange(keys);
  at::Tensor seen = key.le(at);
  if (shape.window > 0) seen = seen.logical_and(key.gt(at - shape.window));
  const at::Tensor scores =
      at::matmul(q.transpose(0, 1), k.permute({1, 2, 0})).mul(shape.scale);  // [H, n, N]
  const at::Tensor weights = at::softmax(scores.masked_fill(seen.logical_not(), -INFINITY), 2);
  return at::matmul(weights, v.transpose(0, 1)).transpose(0, 1).reshape({n, -1});
}

at::Tensor plain(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                 const RopeAngles& angles, const PackedRows& rows, const AttentionShape& shape) {
  const int64_t group = shape.heads / shape.kv_heads, dim = shape.head_dim;
  const at::Tensor rq = plain_rotate(q, angles, dim);
  const at::Tensor rk = plain_rotate(k, angles, dim).repeat_interleave(group, 1);
  const at::Tensor rv = v.view({v.size(0), -1, dim}).repeat_interleave(group, 1);
  std::vector<at::Tensor> out;
  for (const AttentionSegment& s : rows.segments) {
    const auto all = [&](const at::Tensor& x) {
      return at::cat(
          {x.narrow(0, s.prefix_begin, s.prefix_count), x.narrow(0, s.key_begin, s.key_count)}, 0);
    };
    out.push_back(
        attend_plainly(rq.narrow(0, s.query_begin, s.query_count), all(rk), all(rv), shape));
  }
  return at::cat(out, 0);
}

class BlockAttention : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    torch::manual_seed(11);
    const AttentionShape& s = GetParam().shape;
    const auto leaf = [&](int64_t heads) {
      return torch::randn({rows_.tokens(), heads * s.head_dim}).requires_grad_();
    };
    q_ = leaf(s.heads), k_ = leaf(s.kv_heads), v_ = leaf(s.kv_heads);
    const at::Tensor angle =
        rows_.positions.to(at::kFloat).unsqueeze(1) * torch::rand({s.head_dim / 2});
    angles_ = {angle.cos(), angle.sin()};
  }

  at::Tensor ours() const {
    return packed_attention(q_, k_, v_, angles_, rows_.segments, GetParam().shape);
  }

  PackedRows rows_ = pack(GetParam());
  at::Tensor q_, k_, v_;
  RopeAngles angles_;
};

// Relative to the largest value; a query that sees only itself has gradients of exactly zero.
double error(const at::Tensor& ours, const at::Tensor& wanted) {
  const double largest = std::max(wanted.abs().max().item<double>(), 1.0);
  return (ours - wanted).abs().max().item<double>() / largest;
}

TEST_P(BlockAttention, ValuesAndGradientsAreThePlainOnes) {
  const at::Tensor out = ours();
  const at::Tensor wanted = plain(q_, k_, v_, angles_, rows_, GetParam().shape);
  EXPECT_LT(error(out, wanted), 2e-6);
  const at::Tensor dout = torch::randn_like(out);
  const auto gradients = torch::autograd::grad({out}, {q_, k_, v_}, {dout});
  const auto expected = torch::autograd::grad({wanted}, {q_, k_, v_}, {dout});
  for (size_t i = 0; i < 3; ++i) EXPECT_LT(error(gradients[i], expected[i]), 5e-6) << "qkv"[i];
}

TEST_P(BlockAttention, WithoutGradientIsTheSame) {
  const at::Tensor out = ours();
  const at::NoGradGuard no_gradient;
  EXPECT_LT(error(ours(), out), 2e-6);
}

// In bfloat16 products of pairs round probabilities too; both stay near the float32 values.
TEST_P(BlockAttention, InBfloatPairsAreAsNearAsWidenedProducts) {
  const bool before = kernels::multiplies_pairs();
  kernels::set_multiplies_pairs(true);
  if (!kernels::multiplies_pairs()) GTEST_SKIP() << "this processor has no bfloat16 products";
  const auto narrow = [](const at::Tensor& x) {
    return x.detach().to(at::kBFloat16).requires_grad_();
  };
  const at::Tensor q = narrow(q_), k = narrow(k_), v = narrow(v_);
  const AttentionShape& shape = GetParam().shape;
  const at::Tensor dout = torch::randn_like(q).to(at::kBFloat16);
  const auto run = [&](bool pairs) {
    kernels::set_multiplies_pairs(pairs);
    const at::Tensor out = packed_attention(q, k, v, angles_, rows_.segments, shape);
    auto all = torch::autograd::grad({out}, {q, k, v}, {dout});
    all.push_back(out.detach());
    return all;
  };
  const auto pairs = run(true), again = run(true), widened = run(false);
  kernels::set_multiplies_pairs(before);
  for (size_t i = 0; i < pairs.size(); ++i) {
    const at::Tensor wanted = widened[i].to(at::kFloat);
    const at::Tensor off = pairs[i].to(at::kFloat) - wanted;
    EXPECT_LT(off.norm().item<double>(), 0.01 * wanted.norm().item<double>() + 1e-5) << i;
    EXPECT_LT(error(pairs[i].to(at::kFloat), wanted), 0.03) << i;
    EXPECT_TRUE(at::equal(pairs[i], again[i])) << i;
  }
}

// Threads take blocks as they come; no sum may depend on it.
TEST_P(BlockAttention, IsBitForBitTheSameEveryTime) {
  const auto run = [&] {
    const at::Tensor out = ours();
    auto all = torch::autograd::grad({out}, {q_, k_, v_}, {torch::ones_like(out)});
    all.push_back(out.detach());
    return all;
  };
  const auto first = run();
  for (int i = 0; i < 5; ++i) {
    const auto again = run();
    for (size_t j = 0; j < first.size(); ++j) EXPECT_TRUE(at::equal(first[j], again[j]));
  }
}

TEST_P(BlockAttention, Bfloat16RoundsInputsAndResultsOnly) {
  const at::NoGradGuard no_gradient;
  const auto half = [](const at::Tensor& x) { return x.to(at::kBFloat16); };
  const RopeAngles none{torch::ones_like(angles_.cosine), torch::zeros_like(angles_.sine)};
  const at::Tensor out =
      packed_attention(half(q_), half(k_), half(v_), none, rows_.segments, GetParam().shape);
  const at::Tensor wanted = plain(half(q_).to(at::kFloat), half(k_).to(at::kFloat),
                                  half(v_).to(at::kFloat), none, rows_, GetParam().shape);
  EXPECT_EQ(out.scalar_type(), at::kBFloat16);
  EXPECT_LT(error(out.to(at::kFloat), wanted), 4e-3);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BlockAttention,
    testing::Values(Case{"plain", {9, 3, 64, 0.125, 0}, 0, {31, 1, 32, 33, 64, 65, 200}},
                    Case{"one_head", {1, 1, 16, 0.25, 0}, 0, {130, 5}},
                    Case{"odd_head", {6, 2, 12, 0.3, 0}, 0, {70, 129}},
                    Case{"wide_head", {4, 1, 80, 0.1, 0}, 0, {66, 100}},
                    Case{"window", {4, 2, 16, 0.25, 37}, 0, {20, 37, 38, 150, 300}},
                    Case{"window_of_one", {2, 1, 8, 0.35, 1}, 0, {70}},
                    Case{"prefix", {9, 3, 64, 0.125, 0}, 70, {40, 1, 100, 3}},
                    Case{"short_prefix", {4, 4, 8, 0.35, 0}, 3, {1, 2, 66}},
                    Case{"prefix_and_window", {6, 2, 16, 0.25, 50}, 90, {10, 60, 1, 200}}),
    [](const auto& info) { return std::string(info.param.name); });

// Large scores must neither overflow nor lose the small ones' order.
TEST(BlockAttentionExtremes, HugeScoresGiveOneWeight) {
  const AttentionShape shape{.heads = 1, .kv_heads = 1, .head_dim = 8, .scale = 1};
  RowPacker packer;
  packer.add(std::vector<int32_t>(100, 0));
  const PackedRows rows = packer.finish();
  const RopeAngles none{torch::ones({100, 4}), torch::zeros({100, 4})};
  const at::Tensor q = torch::full({100, 8}, 100.0), v = torch::arange(800.0).view({100, 8});
  at::Tensor k = torch::full({100, 8}, -100.0);
  k[0].fill_(100.0);
  const at::Tensor out = packed_attention(q, k, v, none, rows.segments, shape);
  EXPECT_TRUE(at::allclose(out, v[0].expand({100, 8})));
}

}  // namespace
}  // namespace telora
