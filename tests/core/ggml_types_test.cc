#include "core/ggml_types.h"

#include <bit>
#include <cmath>
#include <limits>

#include "core/digest.h"
#include "core/random.h"
#include "support.h"

namespace telora {
namespace {

// The bytes of 1.5, 0.25 and -2 in IEEE binary16.
constexpr uint16_t kHalf1_5 = 0x3e00;
constexpr uint16_t kHalfQuarter = 0x3400;
constexpr uint16_t kHalfMinus2 = 0xc000;

std::vector<float> decode(GgmlType type, const std::string& blocks) {
  const GgmlTypeInfo& info = ggml_type_info(type);
  std::vector<float> out(blocks.size() / info.block_bytes * info.block_elements);
  dequantize(type, std::as_bytes(std::span(blocks)), out);
  return out;
}

// Byte j: low nibble j, high nibble 15 - j.
std::string nibbles() {
  std::string quants;
  for (int j = 0; j < 16; ++j) quants += static_cast<char>(j | (15 - j) << 4);
  return quants;
}

TEST(GgmlTypesTest, NamesAndSizesAreThoseOfTheFormat) {
  EXPECT_EQ(find_ggml_type(3)->name, "Q4_1");
  EXPECT_EQ(find_ggml_type(3)->block_bytes, 20u);
  EXPECT_EQ(ggml_type_info(GgmlType::kQ8_0).block_bytes, 34u);
  EXPECT_FALSE(find_ggml_type(4) || find_ggml_type(16) || find_ggml_type(99));
  EXPECT_EQ(ggml_type_name(12), "Q4_K");
  EXPECT_EQ(ggml_type_name(14), "Q6_K");
  EXPECT_EQ(ggml_type_name(16), "IQ2_XXS");
  EXPECT_EQ(ggml_type_name(23), "IQ4_XS");
  EXPECT_EQ(ggml_type_name(29), "IQ1_M");
  EXPECT_EQ(ggml_type_name(30), "BF16");
  EXPECT_EQ(ggml_type_name(35), "TQ2_0");
  EXPECT_EQ(ggml_type_name(39), "MXFP4");
  EXPECT_EQ(ggml_type_name(42), "Q2_0");
  EXPECT_EQ(ggml_type_name(4), "");
  EXPECT_EQ(ggml_type_name(33), "");
  EXPECT_EQ(ggml_type_name(1000), "");
}

TEST(DequantizeTest, Q4_0) {
  const auto out = decode(GgmlType::kQ4_0, little(kHalf1_5) + nibbles());
  for (int j = 0; j < 16; ++j) {
    EXPECT_EQ(out[j], static_cast<float>(j - 8) * 1.5f);
    EXPECT_EQ(out[j + 16], static_cast<float>(7 - j) * 1.5f);
  }
}

TEST(DequantizeTest, Q4_1) {
  const auto out = decode(GgmlType::kQ4_1, little(kHalfQuarter) + little(kHalfMinus2) + nibbles());
  for (int j = 0; j < 16; ++j) {
    EXPECT_EQ(out[j], static_cast<float>(j) * 0.25f - 2.0f);
    EXPECT_EQ(out[j + 16], static_cast<float>(15 - j) * 0.25f - 2.0f);
  }
}

// The fifth bits: set for elements 0, 3 and 16 + 5.
constexpr uint32_t kFifthBits = 1u << 0 | 1u << 3 | 1u << 21;
int fifth(int element) { return (kFifthBits >> element & 1) != 0 ? 16 : 0; }

TEST(DequantizeTest, Q5_0) {
  const auto out = decode(GgmlType::kQ5_0, little(kHalfMinus2) + little(kFifthBits) + nibbles());
  for (int j = 0; j < 16; ++j) {
    EXPECT_EQ(out[j], static_cast<float>(j + fifth(j) - 16) * -2.0f);
    EXPECT_EQ(out[j + 16], static_cast<float>(15 - j + fifth(j + 16) - 16) * -2.0f);
  }
}

TEST(DequantizeTest, Q5_1) {
  const auto out = decode(GgmlType::kQ5_1,
                          little(kHalf1_5) + little(kHalfQuarter) + little(kFifthBits) + nibbles());
  for (int j = 0; j < 16; ++j) {
    EXPECT_EQ(out[j], static_cast<float>(j + fifth(j)) * 1.5f + 0.25f);
    EXPECT_EQ(out[j + 16], static_cast<float>(15 - j + fifth(j + 16)) * 1.5f + 0.25f);
  }
}

TEST(DequantizeTest, Q8_0AndSeveralBlocks) {
  std::string quants;
  for (int j = 0; j < 32; ++j) quants += static_cast<char>(j * 8 - 128);
  const auto out =
      decode(GgmlType::kQ8_0, little(kHalfQuarter) + quants + little(kHalfMinus2) + quants);
  ASSERT_EQ(out.size(), 64u);
  for (int j = 0; j < 32; ++j) {
    EXPECT_EQ(out[j], static_cast<float>(j * 8 - 128) * 0.25f);
    EXPECT_EQ(out[j + 32], static_cast<float>(j * 8 - 128) * -2.0f);
  }
}

TEST(DequantizeTest, PlainTypes) {
  EXPECT_EQ(decode(GgmlType::kF32, little(1.25f) + little(-3.0f)), (std::vector<float>{1.25f, -3}));
  EXPECT_EQ(decode(GgmlType::kF16, little(kHalf1_5) + little(kHalfMinus2)),
            (std::vector<float>{1.5f, -2}));
  EXPECT_EQ(decode(GgmlType::kBF16, little(uint16_t{0x3fc0}) + little(uint16_t{0xc000})),
            (std::vector<float>{1.5f, -2}));
}

struct Reference {
  GgmlType type;
  std::vector<size_t> halves;  // offsets of the block's half floats
  const char* sha256;          // of 64 blocks as float32
};

// The gguf package 0.19.0 decoded the same bytes.
const Reference kReferences[] = {
    {GgmlType::kQ2_K, {80, 82}, "22196c8dd4d74ebec59e8354bb164546ee21fb6f3e8cc32ca31778f406f4bf62"},
    {GgmlType::kQ3_K, {108}, "5176adc713b3a797465545bfdb7e7d44ff2065e9b71f29e5768d7d1d63d21a2a"},
    {GgmlType::kQ4_K, {0, 2}, "3becb88648f20fd5379b658d45766b7a3314446ca07098d256c1194d01bcaa5f"},
    {GgmlType::kQ5_K, {0, 2}, "89d692c92915a0ed8f50a4b83b93bbaa2cb7eb08f20b8c0d9dddfd506e257f85"},
    {GgmlType::kQ6_K, {208}, "3f17e46771b5a7d01ecd934921a0fb2b10e2c54c52c7adb6adc043691b37e5fa"},
    {GgmlType::kIQ4_NL, {0}, "10d4adf56e6a3d8e203fa8c5b6b589b3a34c7b01be3fa1069e8de3da281a8c45"},
    {GgmlType::kQ4_0, {0}, "f05169a5e8f733d95048efb23420a1820e2018496aecb132848997f56a5a984c"},
    {GgmlType::kQ4_1, {0, 2}, "a57970f75f04170b1427c5a03f568c0895057ceaf706bb330cc1132ab187479c"},
    {GgmlType::kQ5_0, {0}, "4e2f6786503b9fbdc7c4c8e7312ee05f4e8bf4ee270ff91c302678bc43c6b331"},
    {GgmlType::kQ5_1, {0, 2}, "5b407e321b84c16a1d27230a8fb5a46fc504f027607410456d28ab9bc10a9644"},
    {GgmlType::kQ8_0, {0}, "87afc36a712a556f15339b4d84a0195805d40ad6afe4333e1622de2cebdd65d3"},
};

// Bytes of a linear congruential generator; half floats keep sign and mantissa and get exponent -5.
std::string reference_blocks(const Reference& reference, size_t count) {
  const size_t size = ggml_type_info(reference.type).block_bytes;
  std::string bytes;
  uint32_t state = 12345;
  for (size_t i = 0; i < count * size; ++i) {
    state = state * 1664525 + 1013904223;
    bytes += static_cast<char>(state >> 24);
  }
  for (size_t block = 0; block < count; ++block) {
    for (const size_t offset : reference.halves) {
      char& high = bytes[block * size + offset + 1];
      high = static_cast<char>((high & 0x83) | 0x28);
    }
  }
  return bytes;
}

TEST(DequantizeTest, EveryBlockFormatEqualsTheGgufPackageBitForBit) {
  for (const Reference& reference : kReferences) {
    const std::vector<float> out = decode(reference.type, reference_blocks(reference, 64));
    const std::string_view bytes(reinterpret_cast<const char*>(out.data()),
                                 out.size() * sizeof(float));
    EXPECT_EQ(sha256(bytes), reference.sha256) << ggml_type_info(reference.type).name;
  }
}

TEST(DequantizeTest, ByteCountMustFit) {
  const std::string blocks(18, '\0');
  std::vector<float> out(33);
  EXPECT_TRUE(
      names(error_of(ErrorKind::kInternal,
                     [&] { dequantize(GgmlType::kQ4_0, std::as_bytes(std::span(blocks)), out); }),
            {"Q4_0", "18 bytes for 33 elements"}));
}

TEST(HalfTest, All65536ValuesEqualTheCompilersConversion) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const auto want = static_cast<float>(std::bit_cast<_Float16>(half));
    ASSERT_EQ(std::bit_cast<uint32_t>(half_to_float(half)), std::bit_cast<uint32_t>(want)) << bits;
  }
}

TEST(HalfTest, RoundsToNearestEvenEverywhere) {
  const auto check = [](uint32_t bits) {
    const auto value = std::bit_cast<float>(bits);
    const auto want = std::bit_cast<uint16_t>(static_cast<_Float16>(value));
    if (std::isnan(value)) {
      ASSERT_TRUE(std::isnan(half_to_float(float_to_half(value)))) << bits;
    } else {
      ASSERT_EQ(float_to_half(value), want) << bits;
    }
  };
  // Every half value, the midpoint above it, and the floats around both.
  for (uint32_t half = 0; half < 65536; ++half) {
    const auto bits = std::bit_cast<uint32_t>(half_to_float(static_cast<uint16_t>(half)));
    for (const uint32_t step : {0u, 1u, 0xfffu, 0x1000u, 0x1001u}) check(bits + step);
    check(bits - 1);
  }
  RandomStream random(stream_key(1, "half"));
  for (int i = 0; i < 2'000'000; ++i) check(random.next_u32());
}

TEST(HalfTest, TheEdges) {
  EXPECT_EQ(float_to_half(65504.0f), 0x7bff);
  EXPECT_EQ(float_to_half(65519.996f), 0x7bff);
  EXPECT_EQ(float_to_half(65520.0f), 0x7c00);
  EXPECT_EQ(float_to_half(-0.0f), 0x8000);
  EXPECT_EQ(float_to_half(0x1.0p-25f), 0);
  EXPECT_EQ(float_to_half(std::nextafterf(0x1.0p-25f, 1)), 1);
  EXPECT_EQ(float_to_half(-std::numeric_limits<float>::infinity()), 0xfc00);
}

TEST(Bfloat16Test, AllValuesSurviveARoundTrip) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const auto value = bfloat16_to_float(static_cast<uint16_t>(bits));
    ASSERT_EQ(std::bit_cast<uint32_t>(value), bits << 16);
    const uint32_t quiet = std::isnan(value) ? bits | 64 : bits;
    ASSERT_EQ(float_to_bfloat16(value), quiet) << bits;
  }
}

TEST(Bfloat16Test, RoundsToNearestEven) {
  const auto rounded = [](uint32_t bits) { return float_to_bfloat16(std::bit_cast<float>(bits)); };
  EXPECT_EQ(rounded(0x3f807fff), 0x3f80);
  EXPECT_EQ(rounded(0x3f808000), 0x3f80);  // a tie: to even
  EXPECT_EQ(rounded(0x3f818000), 0x3f82);
  EXPECT_EQ(rounded(0x3f808001), 0x3f81);
  EXPECT_EQ(rounded(0x7f7fffff), 0x7f80);  // the largest float rounds to infinity
  EXPECT_EQ(rounded(0x7f800001), 0x7fc0);  // a NaN stays a NaN
}

}  // namespace
}  // namespace telora
