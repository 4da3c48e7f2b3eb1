#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/gguf.h"
#include "tests/backbone/text_sentencepiece.h"
#include "tests/golden/gguf_writer.h"

namespace telora {
namespace {

using golden::Scratch;
using testing::ElementsAre;
using text_tests::expect_error;
using text_tests::Json;
using text_tests::open_model;
using text_tests::piece_id;
using text_tests::tiny_sentencepiece;
using text_tests::write_text;
using Segments = std::vector<Tokenizer::Segment>;

const SentencePieceProto kTiny = tiny_sentencepiece();

int32_t id(const std::string& piece) { return piece_id(kTiny, piece); }

TEST(TokenizerSentencePiece, EncodesWithPrefixMergesAndBytes) {
  const Scratch scratch;
  const Tokenizer tokenizer = open_model(scratch, kTiny);
  EXPECT_THAT(tokenizer.encode("hello hello"), ElementsAre(id("▁hello"), id("▁hello")));
  EXPECT_THAT(tokenizer.encode("  hel"), ElementsAre(id("▁"), id("▁"), id("▁"), id("he"), id("l")));
  EXPECT_THAT(tokenizer.encode("é"), ElementsAre(id("▁"), id("<0xC3>"), id("<0xA9>")));
  EXPECT_THAT(tokenizer.encode(""), ElementsAre());
}

TEST(TokenizerSentencePiece, NamedTokensAndTheStartOfText) {
  const Scratch scratch;
  const Tokenizer tokenizer = open_model(scratch, kTiny);
  EXPECT_EQ(tokenizer.bos_id(), 1);
  EXPECT_EQ(tokenizer.eos_id(), 2);
  EXPECT_EQ(tokenizer.pad_id(), std::nullopt);
  EXPECT_TRUE(tokenizer.add_bos());
  EXPECT_TRUE(tokenizer.is_special(1));
  EXPECT_FALSE(tokenizer.is_special(id("he")));
}

TEST(TokenizerSentencePiece, ControlTokensAreFoundButNotInContent) {
  const Scratch scratch;
  const Tokenizer tokenizer = open_model(scratch, kTiny);
  EXPECT_THAT(tokenizer.encode("<s>hello</s>"), ElementsAre(1, id("▁hello"), 2));
  const std::vector<int32_t> content = tokenizer.encode(Segments{{"hello</s>", false}});
  EXPECT_EQ(content.front(), id("▁hello"));
  EXPECT_EQ(std::ranges::count(content, 2), 0);
  EXPECT_EQ(tokenizer.decode(content), "hello</s>");
}

TEST(TokenizerSentencePiece, DecodesBytesSpacesAndTheLeadingSpace) {
  const Scratch scratch;
  const Tokenizer tokenizer = open_model(scratch, kTiny);
  for (const std::string text : {"hello", " hello", "  a  ", "é漢😀", "x\ny", "", " "}) {
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text)), text);
  }
  EXPECT_EQ(tokenizer.decode(std::vector<int32_t>{1, id("▁hello"), 2}), "hello");
  EXPECT_EQ(tokenizer.decode(std::vector<int32_t>{1, id("▁hello"), 2}, false), "<s> hello</s>");
  EXPECT_EQ(tokenizer.bytes_of(id("<0xC3>")), "\xC3");
  EXPECT_EQ(tokenizer.decode(std::vector<int32_t>{id("h"), id("<0xC3>")}), "h\xEF\xBF\xBD");
}

TEST(TokenizerSentencePiece, AStreamGivesTheSameTextHoldingBytesBack) {
  const Scratch scratch;
  const Tokenizer tokenizer = open_model(scratch, kTiny);
  const std::vector<int32_t> ids = tokenizer.encode("hello 😀 é");
  TokenStream stream(tokenizer);
  std::string text;
  for (const int32_t id : ids) text += stream.push(id);
  EXPECT_EQ(text + stream.finish(), "hello 😀 é");
  EXPECT_EQ(stream.push(id("▁hello")), "hello");  // a new text: its leading space goes too
  EXPECT_EQ(stream.push(id("<0xF0>")), "");
  EXPECT_EQ(stream.finish(), "\xEF\xBF\xBD");
}

TEST(TokenizerSentencePiece, LegacyFalsePutsThePrefixOnlyAtTheVeryStart) {
  const Scratch scratch;
  write_text(scratch / "tokenizer_config.json", R"({"legacy": false, "add_bos_token": false})");
  const Tokenizer tokenizer = open_model(scratch, kTiny);
  EXPECT_THAT(tokenizer.encode("hello<s>hello"), ElementsAre(id("▁hello"), 1, id("hello")));
  EXPECT_FALSE(tokenizer.add_bos());
}

TEST(TokenizerSentencePiece, TokenizerJsonWinsOverTheModel) {
  const Scratch scratch;
  write_text(scratch / "tokenizer.model", "not a model");
  EXPECT_EQ(text_tests::open_folder(scratch, text_tests::Tiny().tokenizer_json()).encode("a"),
            std::vector<int32_t>{'a'});
}

TEST(TokenizerSentencePiece, ListedTokensMustBePiecesOfTheModel) {
  const Scratch scratch;
  const Json listed = {{"content", "</s>"}, {"normalized", true}, {"special", true}};
  write_text(scratch / "tokenizer_config.json",
             Json{{"added_tokens_decoder", {{"2", listed}}}}.dump());
  EXPECT_THAT(open_model(scratch, kTiny).encode("</s>"), ElementsAre(2));
  write_text(scratch / "tokenizer_config.json",
             Json{{"added_tokens_decoder", {{"5", listed}}}}.dump());
  expect_error(ErrorKind::kData, {"added_tokens_decoder.5", "'</s>'", "tokenizer.json"},
               [&] { open_model(scratch, kTiny); });
}

TEST(TokenizerSentencePiece, UserDefinedPiecesAreNotCut) {
  SentencePieceProto proto = kTiny;
  proto.pieces.push_back({"hell!", 0, PieceType::kUserDefined});
  const Scratch scratch;
  const Tokenizer tokenizer = open_model(scratch, proto);
  EXPECT_THAT(tokenizer.encode("hell!"), ElementsAre(id("▁"), piece_id(proto, "hell!")));
}

TEST(TokenizerSentencePiece, UserDefinedPiecesThatAreSpecialStayTextInContent) {
  SentencePieceProto proto = kTiny;
  proto.pieces.push_back({"<turn>", 0, PieceType::kUserDefined});
  const int32_t turn = piece_id(proto, "<turn>");
  const Scratch scratch;
  EXPECT_THAT(open_model(scratch, proto).encode("<turn>"), ElementsAre(id("▁"), turn));
  const Json entry = {{"content", "<turn>"}, {"special", true}};
  write_text(scratch / "tokenizer_config.json",
             Json{{"added_tokens_decoder", {{std::to_string(turn), entry}}}}.dump());
  const Tokenizer tokenizer = open_model(scratch, proto);
  EXPECT_THAT(tokenizer.encode("<turn>hello"), ElementsAre(turn, id("▁hello")));
  const auto content = tokenizer.encode(Segments{{"<turn>", false}});
  EXPECT_EQ(std::ranges::count(content, turn), 0);
}

// The same model as GGUF metadata.
Tokenizer open_gguf(const Scratch& scratch, const SentencePieceProto& proto, bool prefix = true,
                    const std::string& missing = "") {
  golden::GgufWriter writer;
  std::vector<std::string> tokens;
  std::vector<uint32_t> types, scores;
  for (const Piece& piece : proto.pieces) {
    tokens.push_back(piece.text);
    types.push_back(static_cast<uint32_t>(piece.type));
    scores.push_back(std::bit_cast<uint32_t>(piece.score));
  }
  writer.set_string("tokenizer.ggml.model", "llama");
  writer.set_strings("tokenizer.ggml.tokens", tokens);
  writer.set_u32s("tokenizer.ggml.token_type", types);
  if (missing != "scores") writer.set_u32s("tokenizer.ggml.scores", scores);
  writer.set_u32("tokenizer.ggml.bos_token_id", 1);
  writer.set_u32("tokenizer.ggml.eos_token_id", 2);
  if (!prefix) writer.set_bool("tokenizer.ggml.add_space_prefix", false);
  std::string bytes = writer.bytes();
  const std::string key = "tokenizer.ggml.scores";
  constexpr char kFloat32 = 6;  // behind the key: the value's type (4 bytes), then the elements'
  if (missing != "scores") bytes.at(bytes.find(key) + key.size() + 4) = kFloat32;
  write_text(scratch / "tiny.gguf", bytes);
  return Tokenizer::from_gguf(GgufFile(scratch / "tiny.gguf"));
}

TEST(TokenizerSentencePiece, GgufIsTheSameTokenizer) {
  const Scratch scratch, other;
  const Tokenizer tokenizer = open_gguf(scratch, kTiny);
  EXPECT_THAT(tokenizer.encode("hello hello</s>"), ElementsAre(id("▁hello"), id("▁hello"), 2));
  EXPECT_EQ(tokenizer.decode(tokenizer.encode(" é x")), " é x");
  EXPECT_TRUE(tokenizer.add_bos());
  EXPECT_EQ(tokenizer.digest(), open_model(other, kTiny).digest());
}

TEST(TokenizerSentencePiece, GgufWithoutSpacePrefix) {
  const Scratch scratch;
  const Tokenizer tokenizer = open_gguf(scratch, kTiny, false);
  EXPECT_THAT(tokenizer.encode("hello hello"), ElementsAre(id("hello"), id("▁hello")));
  EXPECT_EQ(tokenizer.decode(tokenizer.encode(" hello")), " hello");
}

TEST(TokenizerSentencePiece, GgufIsCheckedLikeAModelFile) {
  const Scratch scratch;
  SentencePieceProto proto = kTiny;
  proto.pieces[260].score = NAN;
  expect_error(ErrorKind::kData, {"tiny.gguf: tokenizer.ggml.scores[260]", "nan"},
               [&] { open_gguf(scratch, proto); });
  proto = kTiny;
  proto.pieces[9].text = "<0xZZ>";
  expect_error(ErrorKind::kData, {"tokenizer.ggml.tokens[9]", "<0xZZ>"},
               [&] { open_gguf(scratch, proto); });
  expect_error(ErrorKind::kData, {"tokenizer.ggml.scores"},
               [&] { open_gguf(scratch, kTiny, true, "scores"); });
}

}  // namespace
}  // namespace telora
