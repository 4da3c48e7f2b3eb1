#include "core/ggml_quantize.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/random.h"
#include "support.h"

namespace telora {
namespace {

constexpr std::array kBlockTypes = {GgmlType::kQ4_0, GgmlType::kQ4_1, GgmlType::kQ5_0,
                                    GgmlType::kQ5_1, GgmlType::kQ8_0};
constexpr std::array kPlainTypes = {GgmlType::kF32, GgmlType::kF16, GgmlType::kBF16};

struct Encoded {
  std::vector<std::byte> bytes;
  std::optional<size_t> bad;
};

Encoded encode(GgmlType type, const std::vector<float>& values) {
  const GgmlTypeInfo& info = ggml_type_info(type);
  Encoded encoded{std::vector<std::byte>(values.size() / info.block_elements * info.block_bytes),
                  std::nullopt};
  encoded.bad = quantize(type, values, encoded.bytes);
  return encoded;
}

std::vector<float> there_and_back(GgmlType type, const std::vector<float>& values) {
  const Encoded encoded = encode(type, values);
  EXPECT_EQ(encoded.bad, std::nullopt);
  std::vector<float> back(values.size());
  dequantize(type, encoded.bytes, back);
  return back;
}

std::vector<float> drawn(size_t count, float scale) {
  RandomStream random(stream_key(42, "quantize"));
  std::vector<float> values(count);
  for (float& value : values) value = scale * static_cast<float>(2 * random.next_unit() - 1);
  return values;
}

// Half a step of the block's grid, and what the scale loses as a half.
float tolerance(GgmlType type, float scale) {
  const std::map<GgmlType, float> steps = {{GgmlType::kQ4_0, 8.F},
                                           {GgmlType::kQ4_1, 15.F},
                                           {GgmlType::kQ5_0, 16.F},
                                           {GgmlType::kQ5_1, 31.F},
                                           {GgmlType::kQ8_0, 127.F}};
  const bool by_extremes = type == GgmlType::kQ4_1 || type == GgmlType::kQ5_1;
  // The opposite end of a signed grid is a whole step away.
  const float reach = by_extremes || type == GgmlType::kQ8_0 ? 0.5F : 1.0F;
  return scale * ((by_extremes ? 2 : 1) * reach / steps.at(type) + 2e-3F);
}

TEST(QuantizeTest, IsWithinAStepOfTheGrid) {
  for (const float scale : {0.1F, 1.0F, 3e4F}) {
    const std::vector<float> values = drawn(32 * 40, scale);
    for (const GgmlType type : kBlockTypes) {
      SCOPED_TRACE(ggml_type_info(type).name);
      const std::vector<float> back = there_and_back(type, values);
      for (size_t i = 0; i < values.size(); ++i) {
        ASSERT_NEAR(back[i], values[i], tolerance(type, scale)) << i;
      }
    }
  }
}

// What came out of a block goes into it again unchanged.
TEST(QuantizeTest, ValuesOfTheGridStay) {
  for (const GgmlType type : kBlockTypes) {
    SCOPED_TRACE(ggml_type_info(type).name);
    const std::vector<float> once = there_and_back(type, drawn(32 * 8, 2));
    const std::vector<float> twice = there_and_back(type, once);
    for (size_t i = 0; i < once.size(); ++i) ASSERT_NEAR(twice[i], once[i], 3e-3F);
  }
}

TEST(QuantizeTest, ZerosAndTinyValuesAreZeros) {
  for (const GgmlType type : kBlockTypes) {
    for (const float tiny : {0.0F, 1e-42F}) {
      std::vector<float> values(32, 0.0F);
      values[5] = tiny;
      EXPECT_THAT(there_and_back(type, values), testing::Each(0.0F));
    }
  }
}

TEST(QuantizeTest, PlainTypesRoundToNearest) {
  for (const GgmlType type : kPlainTypes) {
    const std::vector<float> values = {0.0F, -1.5F, 1.0F / 3, 60000.0F};
    const float relative = type == GgmlType::kF32   ? 0
                           : type == GgmlType::kF16 ? 1.0F / 2048
                                                    : 1.0F / 256;
    const std::vector<float> back = there_and_back(type, values);
    for (size_t i = 0; i < values.size(); ++i) {
      EXPECT_NEAR(back[i], values[i], relative * std::abs(values[i]));
    }
  }
}

TEST(QuantizeTest, WhatIsNotFiniteIsNamed) {
  for (const float bad : {std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity(), std::nanf("")}) {
    std::vector<float> values = drawn(96, 1);
    values[70] = bad;
    for (const GgmlType type : kBlockTypes) EXPECT_EQ(encode(type, values).bad, 70U);
    for (const GgmlType type : kPlainTypes) EXPECT_EQ(encode(type, values).bad, 70U);
  }
}

TEST(QuantizeTest, WhatOverflowsIsNamed) {
  EXPECT_EQ(encode(GgmlType::kF16, {1, 65519, 65520}).bad, 2U);
  EXPECT_EQ(encode(GgmlType::kF16, {1, -7e4F}).bad, 1U);
  EXPECT_EQ(encode(GgmlType::kBF16, {3.38e38F, 3.4e38F}).bad, 1U);
  EXPECT_EQ(encode(GgmlType::kF32, {3.4e38F}).bad, std::nullopt);
  std::vector<float> values(64, 1.0F);
  values[40] = 1e8F;  // a scale of 1e8 / 127 is beyond a half, and so are those of the others
  for (const GgmlType type : kBlockTypes) EXPECT_EQ(encode(type, values).bad, 32U);
  values[40] = -7e4F;  // only a minimum can be beyond one
  EXPECT_EQ(encode(GgmlType::kQ8_0, values).bad, std::nullopt);
  EXPECT_EQ(encode(GgmlType::kQ4_1, values).bad, 32U);
}

TEST(QuantizeTest, WrongLengthsAndTypesAreFaultsOfTheProgram) {
  std::vector<std::byte> bytes(18);
  const std::vector<float> values(32);
  EXPECT_THROW(quantize(GgmlType::kQ4_0, std::span(values).first(31), bytes), Error);
  EXPECT_THROW(quantize(GgmlType::kQ8_0, values, bytes), Error);
  EXPECT_FALSE(can_quantize(GgmlType::kQ4_K));
  EXPECT_THROW(quantize(GgmlType::kQ4_K, {}, {}), Error);
}

}  // namespace
}  // namespace telora
