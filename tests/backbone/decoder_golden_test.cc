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

struct Family {
  const char* name;
  DecoderSpec spec;
  std::vector<double> logits;
  double loss;
};

void PrintTo(const Family& family, std::ostream* out) { *out << family.name; }

class DecoderFamily : public testing::TestWithParam<Family> {};

TEST_P(DecoderFamily, LogitsAndLoss) {
  const Decoder decoder = make(GetParam().spec);
  expect_logits(logits_of(decoder, tokens())[7], GetParam().logits);
  EXPECT_NEAR(loss_of(decoder, tokens()), GetParam().loss, 2e-6);
}

// All ways to read a row agree, sliding windows included.
TEST_P(DecoderFamily, PackedBranchedAndCachedEqualWholeRows) {
  const Decoder decoder = make(GetParam().spec);
  const at::NoGradGuard no_gradient;
  const std::vector<int32_t> prefix = tokens(9), branch = tokens(5, 3);
  std::vector<int32_t> whole = prefix;
  whole.insert(whole.end(), branch.begin(), branch.end());
  const at::Tensor expected = logits_of(decoder, whole);  // [14, V]
  RowPacker packer;
  const size_t row = packer.add(prefix);
  packer.add_branch(row, tokens(2, 7));
  const int64_t begin = packer.row_begin(packer.add_branch(row, branch));
  const at::Tensor packed = decoder.logits(decoder.hidden(packer.finish(), {}));
  EXPECT_TRUE(at::allclose(packed.narrow(0, 0, 9), expected.narrow(0, 0, 9), 1e-5, 2e-6));
  EXPECT_TRUE(at::allclose(packed.narrow(0, begin, 5), expected.narrow(0, 9, 5), 1e-5, 2e-6));
  KeyValueCache cache = decoder.make_cache(32);
  for (int64_t i = 0; i < 14; ++i) {
    PackedRows step{
        torch::tensor({int64_t{whole[static_cast<size_t>(i)]}}), torch::tensor({i}), {}};
    step.segments.push_back(
        {.query_begin = 0, .query_count = 1, .key_begin = 5, .key_count = i + 1});
    cache.write_slots = torch::tensor({5 + i});
    const at::Tensor one = decoder.logits(decoder.hidden(step, {}, &cache));
    EXPECT_TRUE(at::allclose(one[0], expected[i], 1e-5, 2e-6)) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Families, DecoderFamily,
    testing::Values(
        Family{"llama", tiny_llama(), {0.30665088, -0.54836942, 0.05339460}, 4.115941192},
        Family{"qwen2", golden::tiny_qwen2(), {-0.05032813, 0.39668273, 0.28401669}, 3.691288840},
        Family{"qwen3", golden::tiny_qwen3(), {-0.48211545, 0.09199007, -0.49406917}, 4.909387941},
        Family{
            "exaone4", golden::tiny_exaone4(), {1.21776146, 0.49719307, 1.08363611}, 3.760847366},
        Family{
            "granite", golden::tiny_granite(), {0.14028034, 0.03058354, -0.01264147}, 3.685137078},
        Family{"olmo2", golden::tiny_olmo2(), {0.44141180, -0.85842249, -0.18465522}, 4.180024746},
        Family{
            "gemma3", golden::tiny_gemma3(), {0.27089881, 0.26735432, -0.33807887}, 3.398279833}),
    [](const auto& info) { return std::string(info.param.name); });

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
