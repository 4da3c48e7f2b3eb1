// What is handed to LibTorch's FlashAttention and made of its results. The operation exists for
// GPUs only; here a stand-in of the same signature, made of what its documentation says, serves the
// CPU: sequences end to end, each query head with the key head of its group, a causal mask aligned
// at the last query and key, sums of exponentials as [heads, queries].
#include "backbone/flash_attention.h"

#include <gtest/gtest.h>
#include <torch/library.h>

#include "backbone/torch.h"

namespace telora {
namespace {

using tensor_ops::AttentionSpans;
using Optional = std::optional<at::Tensor>;
using Window = std::optional<int64_t>;

AttentionSpans sequences_of(const at::Tensor& query_ends, const at::Tensor& key_ends, bool causal) {
  AttentionSpans spans;
  const auto *q = query_ends.const_data_ptr<int32_t>(), *k = key_ends.const_data_ptr<int32_t>();
  for (int64_t i = 0; i + 1 < query_ends.numel(); ++i) {
    const int64_t queries = q[i + 1] - q[i], keys = k[i + 1] - k[i];
    spans.push_back({q[i], queries, k[i], keys, causal ? keys - queries : keys});
  }
  return spans;
}

AttentionShape shape_of(const at::Tensor& q, const at::Tensor& k, std::optional<double> scale,
                        Window left, Window right) {
  TORCH_CHECK(!right || *right == 0, "stand-in: keys behind the query");
  return {q.size(1), k.size(1), q.size(2), scale.value(), left ? *left + 1 : 0};
}

void check_lengths(const at::Tensor& ends, int64_t most, int64_t total) {
  TORCH_CHECK(ends.scalar_type() == at::kInt && ends.is_contiguous(), "stand-in: ends");
  TORCH_CHECK(ends[-1].item<int64_t>() == total, "stand-in: ends");
  TORCH_CHECK((ends.narrow(0, 1, ends.numel() - 1) - ends.narrow(0, 0, ends.numel() - 1))
                      .max()
                      .item<int64_t>() == most,
              "stand-in: the longest");
}

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor> forward(
    const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Optional& query_ends,
    const Optional& key_ends, int64_t most_queries, int64_t most_keys, double dropout, bool causal,
    bool, std::optional<double> scale, Window left, Window right, const Optional&,
    const Optional&) {
  TORCH_CHECK(dropout == 0 && q.is_contiguous() && k.is_contiguous() && v.is_contiguous());
  check_lengths(*query_ends, most_queries, q.size(0));
  check_lengths(*key_ends, most_keys, k.size(0));
  const auto all = tensor_ops::attend_plainly(q, k, v, sequences_of(*query_ends, *key_ends, causal),
                                              shape_of(q, k, scale, left, right));
  return {all.out.to(q.scalar_type()), all.log_sum, at::Tensor(), at::Tensor(), at::Tensor()};
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> backward(
    const at::Tensor& dout, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
    const at::Tensor& out, const at::Tensor& log_sum, const at::Tensor& query_ends,
    const at::Tensor& key_ends, int64_t most_queries, int64_t most_keys, double, bool causal,
    const at::Tensor&, const at::Tensor&, std::optional<double> scale, Window left, Window right) {
  TORCH_CHECK(log_sum.size(0) == q.size(1) && log_sum.size(1) == q.size(0), "stand-in: log_sum");
  check_lengths(query_ends, most_queries, q.size(0));
  check_lengths(key_ends, most_keys, k.size(0));
  tensor_ops::AttentionSums sums{at::zeros_like(q, at::kFloat), at::zeros_like(k, at::kFloat),
                                 at::zeros_like(v, at::kFloat)};
  tensor_ops::attend_plainly_backward({q, k, v, out, log_sum, dout},
                                      sequences_of(query_ends, key_ends, causal),
                                      shape_of(q, k, scale, left, right), sums);
  const at::ScalarType type = q.scalar_type();
  return {sums.dq.to(type), sums.dk.to(type), sums.dv.to(type)};
}

TORCH_LIBRARY_IMPL(aten, CPU, library) {
  library.impl("_flash_attention_forward", forward);
  library.impl("_flash_attention_backward", backward);
}

void expect_near(const at::Tensor& ours, const at::Tensor& plain) {
  EXPECT_TRUE(at::allclose(ours.to(at::kFloat), plain.to(at::kFloat), 1e-5, 1e-5));
}

// One part of attention both ways: outputs, sums of exponentials, gradients.
void expect_plain(const AttentionSpans& spans, bool causal, int64_t queries, int64_t keys,
                  const AttentionShape& shape) {
  torch::manual_seed(21);
  const at::Tensor q = torch::randn({queries, shape.heads, shape.head_dim}),
                   k = torch::randn({keys, shape.kv_heads, shape.head_dim}),
                   v = torch::randn({keys, shape.kv_heads, shape.head_dim}),
                   dout = torch::randn(q.sizes());
  const auto sequences = tensor_ops::flash_sequences(spans, causal, queries, keys, at::kCPU);
  const auto ours = tensor_ops::attend_flash(q, k, v, sequences, shape);
  const auto plain = tensor_ops::attend_plainly(q, k, v, spans, shape);
  expect_near(ours.out, plain.out);
  expect_near(ours.log_sum, plain.log_sum);
  // Gradients start from what the whole row has: here this part and as much again.
  const tensor_ops::AttentionResult result{q, k, v, plain.out * 0.5, plain.log_sum + 0.7, dout};
  const auto zeros = [&] {
    return tensor_ops::AttentionSums{at::zeros_like(q), at::zeros_like(k), at::zeros_like(v)};
  };
  tensor_ops::AttentionSums sums = zeros(), plain_sums = zeros();
  tensor_ops::attend_flash_backward(result, sequences, shape, sums);
  tensor_ops::attend_plainly_backward(result, spans, shape, plain_sums);
  expect_near(sums.dq, plain_sums.dq);
  expect_near(sums.dk, plain_sums.dk);
  expect_near(sums.dv, plain_sums.dv);
}

std::vector<AttentionSegment> branched_rows() {
  RowPacker packer;
  packer.add(std::vector<int32_t>(9, 0));
  for (const size_t n : {7, 1, 12}) packer.add_branch(0, std::vector<int32_t>(n, 0));
  packer.add(std::vector<int32_t>(4, 0));
  for (const size_t n : {3, 6}) packer.add_branch(4, std::vector<int32_t>(n, 0));
  return packer.finish().segments;
}
constexpr int64_t kTokens = 9 + 7 + 1 + 12 + 4 + 3 + 6;

TEST(FlashAttention, RowsWithTheirOwnKeys) {
  for (const int64_t window : {0, 1, 5}) {
    expect_plain(tensor_ops::own_spans(branched_rows()), true, kTokens, kTokens,
                 {6, 2, 8, 0.3, window});
  }
}

TEST(FlashAttention, RowsWithTheirPrefixes) {
  const AttentionSpans spans = tensor_ops::prefix_spans(branched_rows(), 0);
  EXPECT_EQ(spans.size(), 2u);  // rows of one prefix are one sequence
  expect_plain(spans, false, kTokens, kTokens, {6, 2, 8, 0.3, 0});
}

// One token a row over a cache, in a window: no mask but the window's.
TEST(FlashAttention, SingleQueriesOverAPool) {
  const std::vector<AttentionSegment> segments{
      {.query_begin = 0, .query_count = 1, .key_begin = 50, .key_count = 30},
      {.query_begin = 1, .query_count = 1, .key_begin = 10, .key_count = 21}};
  for (const int64_t window : {0, 5}) {
    expect_plain(tensor_ops::own_spans(segments), true, 2, 100, {6, 2, 8, 0.3, window});
  }
}

TEST(FlashAttention, IsNotUsedOnTheCpu) {
  const at::Tensor q = at::zeros({4, 2, 8}, at::kBFloat16);
  EXPECT_FALSE(tensor_ops::flash_serves(q, q, {}, {2, 2, 8, 1, 0}));
}

}  // namespace
}  // namespace telora
