#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "backbone/byte_level.h"
#include "backbone/decode_stream.h"
#include "backbone/tokenizer.h"
#include "tests/backbone/text_support.h"

namespace telora {
namespace {

using text_tests::expect_error;
using text_tests::open_tiny;
using text_tests::Tiny;

const Tiny kTiny;
const std::string kReplacement = "\uFFFD";

TEST(ByteLevel, SpellsTheKnownCornersAndReadsThemBack) {
  EXPECT_EQ(to_byte_alphabet(" \n\t\r"), "ĠĊĉč");
  EXPECT_EQ(to_byte_alphabet(std::string("\0\x7F\x80\xA0\xAD", 5)), "ĀġĢłŃ");
  EXPECT_EQ(to_byte_alphabet("~!\xA1\xAC\xAE\xFF"), "~!¡¬®ÿ");
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  EXPECT_EQ(from_byte_alphabet(to_byte_alphabet(all)), all);
  EXPECT_EQ(from_byte_alphabet("a b"), std::nullopt);
  EXPECT_EQ(from_byte_alphabet("\u0144"), std::nullopt);
}

TEST(TokenizerDecode, GivesTheTextBack) {
  const Tokenizer tokenizer = open_tiny();
  for (const std::string text : {"hello hello", "½ é 漢字 😀\r\n\t", "", " a  b "}) {
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text)), text);
  }
}

TEST(TokenizerDecode, SpecialTokensAreLeftOutOnRequest) {
  const Tokenizer tokenizer = open_tiny();
  const std::vector<int32_t> ids = tokenizer.encode("<|go|>a<tool><|end|>");
  EXPECT_EQ(tokenizer.decode(ids), "a<tool>");
  EXPECT_EQ(tokenizer.decode(ids, false), "<|go|>a<tool><|end|>");
  EXPECT_TRUE(tokenizer.is_special(kTiny.go_id()));
  EXPECT_FALSE(tokenizer.is_special(kTiny.tool_id()));
  EXPECT_FALSE(tokenizer.is_special('a'));
}

TEST(TokenizerDecode, InvalidBytesBecomeReplacementCharacters) {
  const Tokenizer tokenizer = open_tiny();
  EXPECT_EQ(tokenizer.decode(std::vector<int32_t>{'a', 0xC3, 'b'}), "a" + kReplacement + "b");
  EXPECT_EQ(tokenizer.decode(std::vector<int32_t>{0xFF, 0xE2, 0x82}), kReplacement + kReplacement);
}

TEST(TokenizerDecode, IdsOutOfRangeAreRefused) {
  const Tokenizer tokenizer = open_tiny();
  const auto size = static_cast<int32_t>(tokenizer.size());
  for (const int32_t id : {-1, size}) {
    const std::string found = "found " + std::to_string(id);
    expect_error(ErrorKind::kData, {"token id", found},
                 [&] { tokenizer.decode(std::vector<int32_t>{id}); });
    expect_error(ErrorKind::kData, {found}, [&] { tokenizer.token(id); });
    expect_error(ErrorKind::kData, {found}, [&] { TokenStream(tokenizer).push(id); });
    EXPECT_FALSE(tokenizer.is_special(id));
  }
}

TEST(TokenizerDecode, TokensHaveTheSpellingOfTheVocabulary) {
  const Tokenizer tokenizer = open_tiny();
  EXPECT_EQ(tokenizer.token(kTiny.merge_id(4)), "Ġhello");
  EXPECT_EQ(tokenizer.id_of("Ġhello"), kTiny.merge_id(4));
  EXPECT_EQ(tokenizer.id_of(" hello"), std::nullopt);
  EXPECT_EQ(tokenizer.bytes_of(kTiny.merge_id(4)), " hello");
}

TEST(TokenStream, HoldsIncompleteCharactersBack) {
  TokenStream stream(open_tiny());
  EXPECT_EQ(stream.push(0xF0), "");
  EXPECT_EQ(stream.push(0x9F), "");
  EXPECT_EQ(stream.push(0x98), "");
  EXPECT_EQ(stream.push(kTiny.go_id()), "");  // left out, and no end of the character
  EXPECT_EQ(stream.push(0x80), "😀");
  EXPECT_EQ(stream.push(0xE2), "");
  EXPECT_EQ(stream.push('a'), kReplacement + "a");
  EXPECT_EQ(stream.push(0xC3), "");
  EXPECT_EQ(stream.finish(), kReplacement);
  EXPECT_EQ(stream.finish(), "");
}

// The table of section 3.9 of the Unicode standard on maximal subparts.
TEST(Utf8Stream, ReplacesEachMaximalSubpartOnce) {
  const std::string& r = kReplacement;
  EXPECT_EQ(replace_invalid_utf8("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"),
            r + r + r + r + r + r + r + r + "A");
  EXPECT_EQ(replace_invalid_utf8("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"),
            r + r + r + r + r + r + r + r + "A");
  EXPECT_EQ(replace_invalid_utf8("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"),
            r + r + r + r + r + "A" + r + r + "B");
  EXPECT_EQ(replace_invalid_utf8("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"), r + r + r + r + "A");
  EXPECT_EQ(replace_invalid_utf8("plain é"), "plain é");
}

TEST(Utf8Stream, PortionsDoNotMatter) {
  const std::string bytes_to_mix =
      "\xF0\x9F\x98\x80\xE2\x82\xAC"
      "a\xC3\xA9\xED\xA0\xF4\x90\xC0";
  std::mt19937 random(5);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes;
    for (int i = 0; i < 12; ++i) bytes += bytes_to_mix[random() % bytes_to_mix.size()];
    Utf8Stream stream;
    std::string out;
    for (size_t pos = 0; pos < bytes.size();) {
      const size_t count = 1 + random() % 3;
      out += stream.push(std::string_view(bytes).substr(pos, count));
      pos += count;
    }
    out += stream.finish();
    EXPECT_EQ(out, replace_invalid_utf8(bytes));
  }
}

}  // namespace
}  // namespace telora
