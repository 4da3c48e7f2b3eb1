// Rows of several adapters in one pass against each adapter alone: the same bits.
#include "adapters/adapter_mix.h"

#include <gtest/gtest.h>

#include "backbone/product_kernel.h"
#include "backbone/product_override.h"
#include "backbone/torch.h"
#include "core/error.h"
#include "tests/golden/tiny_models.h"

namespace telora {
namespace {

using namespace golden;

const std::vector<std::vector<int32_t>> kRows{{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5},
                                              {2, 7, 1, 8},
                                              {1, 6, 1, 8, 0, 3, 3},
                                              {9, 9},
                                              {4, 4, 2, 8, 1}};
const std::vector<size_t> kChoices{2, 0, 1, 1, 2};  // 1 is the base

Decoder make_decoder(const DecoderSpec& spec, at::ScalarType type) {
  std::unordered_map<std::string, at::Tensor> weights;
  for (const auto& [name, tensor] : tiny_weights(spec)) weights[name] = tensor;
  return {spec, weights, type};
}

LoraAdapter make_adapter(Decoder& decoder, int64_t rank, const std::string& targets, uint64_t seed,
                         LoraInit init = LoraInit::kKaiming, bool dora = false) {
  LoraConfig config;
  config.rank = rank;
  config.alpha = 5;
  config.use_dora = dora;
  config.target_regex = targets;
  LoraAdapter adapter = LoraAdapter::create(config, decoder, {.init = init, .seed = seed});
  const at::NoGradGuard no_gradient;
  torch::manual_seed(static_cast<int64_t>(seed));
  adapter.parameters().add_(torch::randn_like(adapter.parameters()), 0.05);
  return adapter;
}

PackedRows packed() {
  PackedRows rows = pack_rows(kRows);
  for (size_t i = 0; i < kChoices.size(); ++i) rows.segments[i].choice = kChoices[i];
  return rows;
}

// Tokens of row `row`, of which every second one is wanted.
at::Tensor wanted_of(const PackedRows& rows, size_t row) {
  const AttentionSegment& s = rows.segments[row];
  return at::arange(s.query_begin + s.query_count % 2, s.query_begin + s.query_count, 2, at::kLong);
}

void expect_same_bits_as_alone(Decoder& decoder, std::vector<LoraAdapter*> adapters) {
  const at::NoGradGuard no_gradient;
  const PackedRows rows = packed();
  std::vector<at::Tensor> wanted;
  for (size_t i = 0; i < kRows.size(); ++i) wanted.push_back(wanted_of(rows, i));
  at::Tensor together;
  {
    const AdapterMix mix(decoder, adapters);
    together = decoder.hidden(rows, at::cat(wanted));
  }
  int64_t begin = 0;
  for (size_t i = 0; i < kRows.size(); ++i) {
    LoraAdapter* adapter = adapters[kChoices[i]];
    if (adapter) adapter->attach(decoder);
    const at::Tensor alone =
        decoder.hidden(pack_rows({&kRows[i], 1}), wanted[i] - rows.segments[i].query_begin);
    LoraAdapter::detach(decoder);
    EXPECT_TRUE(at::equal(together.narrow(0, begin, alone.size(0)), alone)) << "row " << i;
    begin += alone.size(0);
  }
}

void expect_same_bits(at::ScalarType type) {
  Decoder decoder = make_decoder(tiny_llama(), type);
  LoraAdapter first = make_adapter(decoder, 3, "all-linear", 1);
  LoraAdapter second = make_adapter(decoder, 8, ".*(q_proj|v_proj|down_proj)", 2);
  expect_same_bits_as_alone(decoder, {&first, nullptr, &second});
}

TEST(AdapterMix, RowsHaveTheBitsOfTheirAdapterAloneInFloat32) { expect_same_bits(at::kFloat); }

TEST(AdapterMix, RowsHaveTheBitsOfTheirAdapterAloneInBfloat16) { expect_same_bits(at::kBFloat16); }

TEST(AdapterMix, EveryKindOfProductGivesThem) {
  for (const ProductKind kind : {ProductKind::kFloat, ProductKind::kPairs}) {
    if (kind == ProductKind::kPairs && !kernels::has_bf16_dot()) continue;
    override_product_kind(kind);
    expect_same_bits(at::kBFloat16);
    override_product_kind(std::nullopt);
  }
}

TEST(AdapterMix, TakesAPairWithAnInitialOne) {
  Decoder decoder = make_decoder(tiny_llama(), at::kFloat);
  LoraAdapter first = make_adapter(decoder, 2, "all-linear", 1, LoraInit::kPissa);
  LoraAdapter second = make_adapter(decoder, 4, "all-linear", 2);
  expect_same_bits_as_alone(decoder, {&first, nullptr, &second});
}

TEST(AdapterMix, LeavesDoraAlone) {
  Decoder decoder = make_decoder(tiny_llama(), at::kFloat);
  LoraAdapter plain = make_adapter(decoder, 2, "all-linear", 1);
  LoraAdapter dora = make_adapter(decoder, 2, "all-linear", 2, LoraInit::kKaiming, true);
  std::vector<LoraAdapter*> adapters{&plain, &dora};
  EXPECT_FALSE(AdapterMix::possible(decoder, adapters));
  EXPECT_THROW(AdapterMix(decoder, adapters), Error);
  adapters[1] = nullptr;
  EXPECT_TRUE(AdapterMix::possible(decoder, adapters));
  decoder.allow_fusing(false);
  EXPECT_FALSE(AdapterMix::possible(decoder, adapters));
}

TEST(AdapterMix, FreesTheDecoderAndRefusesUnknownChoices) {
  const at::NoGradGuard no_gradient;
  Decoder decoder = make_decoder(tiny_llama(), at::kFloat);
  LoraAdapter only = make_adapter(decoder, 2, "all-linear", 1);
  {
    std::vector<LoraAdapter*> adapters{&only};
    const AdapterMix mix(decoder, adapters);
    EXPECT_THROW(decoder.hidden(packed(), {}), Error);
  }
  for (const Linear* linear : decoder.linears()) EXPECT_EQ(linear->delta, nullptr);
}

}  // namespace
}  // namespace telora
