// Logits and losses of the tiny models, which llama.cpp and transformers give too, and equality of
// the ways to compute them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backbone/decoder.h"
#include "backbone/torch.h"
#include "core/error.h"
#include "tests/golden/tiny_models.h"

namespace telora {
namespace {

using golden::tiny_llama;
using golden::tiny_llama_llama3_scaling;
using golden::tiny_tokens;
using golden::tiny_weights;

std::unordered_map<std::string, at::Tensor> weights_of(const DecoderSpec& spec,
                                                       at::ScalarType type = at::kFloat) {
  std::unordered_map<std::string, at::Tensor> weights;
  for (const auto& [name, tensor] : tiny_weights(spec)) weights[name] = tensor.to(type);
  return weights;
}

Decoder make(const DecoderSpec& spec, at::ScalarType type = at::kFloat) {
  return {spec, weights_of(spec, type), type};
}

std::vector<int32_t> tokens(size_t count = 8, int32_t shift = 0) {
  std::vector<int32_t> ids;
  for (size_t i = 0; i < count; ++i) {
    ids.push_back(
        static_cast<int32_t>((tiny_tokens()[i % 8] + shift + static_cast<int64_t>(i / 8)) % 40));
  }
  return ids;
}

at::Tensor logits_of(const Decoder& decoder, const std::vector<int32_t>& ids) {
  return decoder.logits(decoder.hidden(pack_rows({&ids, 1}), {}));
}

double loss_of(const Decoder& decoder, const std::vector<int32_t>& ids) {
  const auto n = static_cast<int64_t>(ids.size()) - 1;
  const at::Tensor hidden = decoder.hidden(pack_rows({&ids, 1}), {}).narrow(0, 0, n);
  return decoder.loss_sum(hidden, torch::tensor(ids).to(at::kLong).narrow(0, 1, n)).item<double>() /
         static_cast<double>(n);
}

void expect_logits(const at::Tensor& row, std::vector<double> wanted) {
  for (size_t i = 0; i < wanted.size(); ++i) {
    EXPECT_NEAR(row[static_cast<int64_t>(i)].item<double>(), wanted[i], 2e-6) << "logit " << i;
  }
}

TEST(DecoderGolden, LlamaLogitsAndLoss) {
  const Decoder decoder = make(tiny_llama());
  expect_logits(logits_of(decoder, tokens())[7], {0.30665088, -0.54836942, 0.05339460});
  EXPECT_NEAR(loss_of(decoder, tokens()), 4.115941192, 2e-6);
}

TEST(DecoderGolden, LlamaSingleToken) {
  expect_logits(logits_of(make(tiny_llama()), {3})[0], {0.17771687, -0.61862253, -0.09519668});
}

TEST(DecoderGolden, Llama3ScalingLogitsAndLoss) {
  const Decoder decoder = make(tiny_llama_llama3_scaling());
  expect_logits(logits_of(decoder, tokens())[7], {0.54786028, 0.50457961, 0.55964099});
  EXPECT_NEAR(loss_of(decoder, tokens()), 3.738945621, 2e-6);
}

TEST(DecoderGolden, Bf16StaysNear) {
  const Decoder decoder = make(tiny_llama(), at::kBFloat16);
  EXPECT_NEAR(loss_of(decoder, tokens()), 4.115941192, 0.02);
}

TEST(DecoderPaths, PackedRowsEqualSingleRows) {
  const Decoder decoder = make(tiny_llama());
  const std::vector<std::vector<int32_t>> rows{tokens(8), tokens(3, 5), tokens(13, 2),
                                               tokens(1, 9)};
  const at::Tensor packed = decoder.logits(decoder.hidden(pack_rows(rows), {}));
  int64_t begin = 0;
  for (const auto& row : rows) {
    const auto n = static_cast<int64_t>(row.size());
    EXPECT_TRUE(at::allclose(packed.narrow(0, begin, n), logits_of(decoder, row), 1e-5, 1e-6));
    begin += n;
  }
}

TEST(DecoderPaths, WantedRowsEqualAllRows) {
  const Decoder decoder = make(tiny_llama());
  const std::vector<std::vector<int32_t>> rows{tokens(8), tokens(5, 3)};
  const at::Tensor wanted = torch::tensor({7, 9, 12}, torch::kInt64);
  const at::Tensor all = decoder.hidden(pack_rows(rows), {});
  EXPECT_TRUE(at::allclose(decoder.hidden(pack_rows(rows), wanted), all.index_select(0, wanted),
                           1e-5, 1e-6));
}

TEST(DecoderPaths, BranchContinuesItsPrefix) {
  const Decoder decoder = make(tiny_llama());
  const at::NoGradGuard no_gradient;
  RowPacker packer;
  const std::vector<int32_t> prefix = tokens(8), first{4, 1}, second{7, 7, 2};
  const size_t row = packer.add(prefix);
  const int64_t begin_first = packer.row_begin(packer.add_branch(row, first));
  const int64_t begin_second = packer.row_begin(packer.add_branch(row, second));
  const at::Tensor packed = decoder.logits(decoder.hidden(packer.finish(), {}));
  for (const auto& [begin, branch] :
       {std::pair(begin_first, first), std::pair(begin_second, second)}) {
    std::vector<int32_t> whole = prefix;
    whole.insert(whole.end(), branch.begin(), branch.end());
    const auto n = static_cast<int64_t>(branch.size());
    EXPECT_TRUE(at::allclose(packed.narrow(0, begin, n), logits_of(decoder, whole).narrow(0, 8, n),
                             1e-5, 1e-6));
  }
}

TEST(DecoderPaths, CacheEqualsWholeRow) {
  const Decoder decoder = make(tiny_llama());
  const at::NoGradGuard no_gradient;
  const std::vector<int32_t> ids = tokens(10);
  KeyValueCache cache = decoder.make_cache(32);
  at::Tensor last;
  for (int64_t i = 0; i < 10; ++i) {
    PackedRows step{torch::tensor({int64_t{ids[static_cast<size_t>(i)]}}), torch::tensor({i}), {}};
    step.segments.push_back(
        {.query_begin = 0, .query_count = 1, .key_begin = 5, .key_count = i + 1});
    cache.write_slots = torch::tensor({5 + i});
    last = decoder.logits(decoder.hidden(step, {}, &cache));
  }
  EXPECT_TRUE(at::allclose(last[0], logits_of(decoder, ids)[9], 1e-5, 1e-6));
}

TEST(DecoderWeights, EveryMissingTensorIsNamed) {
  auto weights = weights_of(tiny_llama());
  weights.erase("model.norm.weight");
  weights["model.layers.1.mlp.up_proj.weight"] = at::zeros({3, 3});
  try {
    const Decoder decoder(tiny_llama(), weights, at::kFloat);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    EXPECT_THAT(error.what(), testing::HasSubstr("model.norm.weight is missing"));
    EXPECT_THAT(error.what(), testing::HasSubstr("model.layers.1.mlp.up_proj.weight"));
  }
}

}  // namespace
}  // namespace telora
