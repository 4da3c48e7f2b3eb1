// BPE over characters, unigram models and normalisers of tokenizer.json; ids of large texts are
// compared with the tokenizers library in tests/reference/tokenizer_kinds_reference.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "backbone/piece_cache.h"
#include "backbone/tokenizer_parts.h"
#include "tests/backbone/text_support.h"

namespace telora {
namespace {

using golden::Scratch;
using testing::ElementsAre;
using text_tests::expect_error;
using text_tests::Json;
using text_tests::open_folder;
using text_tests::Tiny;

const Json kDecoderSteps = {{{"type", "Replace"}, {"pattern", {{"String", "▁"}}}, {"content", " "}},
                            {{"type", "ByteFallback"}},
                            {{"type", "Fuse"}},
                            {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}}};

// Tokens: <unk>, </s>, then the spellings, then the bytes of é (if asked for).
Json character_bpe(bool bytes) {
  std::vector<std::string> tokens = {"<unk>", "</s>", "▁", "h", "i", "hi", "▁hi"};
  if (bytes) tokens.insert(tokens.end(), {"<0xC3>", "<0xA9>"});
  Json vocabulary = Json::object();
  for (size_t id = 0; id < tokens.size(); ++id) vocabulary[tokens[id]] = id;
  const Json pairs = Json::array({Json::array({"h", "i"}), Json::array({"▁", "hi"})});
  const Json added = {{"id", 1}, {"content", "</s>"}, {"special", true}, {"normalized", false}};
  return {{"added_tokens", {added}},
          {"normalizer", nullptr},
          {"pre_tokenizer",
           {{"type", "Metaspace"},
            {"replacement", "▁"},
            {"prepend_scheme", "first"},
            {"split", false}}},
          {"post_processor", nullptr},
          {"decoder", {{"type", "Sequence"}, {"decoders", kDecoderSteps}}},
          {"model",
           {{"type", "BPE"},
            {"unk_token", "<unk>"},
            {"fuse_unk", true},
            {"byte_fallback", true},
            {"vocab", vocabulary},
            {"merges", pairs}}}};
}

Json llama2_legacy() {
  Json json = character_bpe(true);
  json["pre_tokenizer"] = nullptr;
  json["normalizer"] = {
      {"type", "Sequence"},
      {"normalizers",
       {{{"type", "Prepend"}, {"prepend", "▁"}},
        {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "▁"}}}}};
  return json;
}

TEST(TokenizerKinds, MetaspacePutsThePrefixFirstOnly) {
  const Scratch scratch;
  const Tokenizer tokenizer = open_folder(scratch, character_bpe(true));
  EXPECT_THAT(tokenizer.encode("hi hi"), ElementsAre(6, 6));
  EXPECT_THAT(tokenizer.encode("hi</s>hi"), ElementsAre(6, 1, 5));
  EXPECT_THAT(tokenizer.encode(" hi"), ElementsAre(6));  // it has its space already
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("hi  hi")), "hi  hi");
}

TEST(TokenizerKinds, PrependPutsItBeforeEveryStretch) {
  const Scratch scratch;
  const Tokenizer tokenizer = open_folder(scratch, llama2_legacy());
  EXPECT_THAT(tokenizer.encode("hi</s>hi"), ElementsAre(6, 1, 6));
  EXPECT_THAT(tokenizer.encode(" hi"), ElementsAre(2, 6));
  EXPECT_EQ(tokenizer.decode(tokenizer.encode(" hi")), " hi");
}

TEST(TokenizerKinds, CharactersWithoutATokenBecomeBytesOrOneUnknown) {
  const Scratch scratch;
  EXPECT_THAT(open_folder(scratch, character_bpe(true)).encode("hié"), ElementsAre(6, 7, 8));
  // No byte of these: one token for the whole run.
  EXPECT_THAT(open_folder(scratch, character_bpe(true)).encode("hi漢字hi"), ElementsAre(6, 0, 5));
  EXPECT_THAT(open_folder(scratch, character_bpe(false)).encode("éé"), ElementsAre(2, 0));
}

TEST(TokenizerKinds, ControlTokensInContentStayTextUnderANormalizer) {
  const Scratch scratch;
  Json json = llama2_legacy();
  for (const bool normalized : {false, true}) {
    json["added_tokens"][0]["normalized"] = normalized;
    const Tokenizer tokenizer = open_folder(scratch, json);
    const auto content = tokenizer.encode({Tokenizer::Segment{"hi </s>", false}});
    EXPECT_EQ(std::ranges::count(content, 1), 0) << normalized;
    EXPECT_EQ(std::ranges::count(tokenizer.encode("hi </s>"), 1), 1) << normalized;
    const std::string decoded = tokenizer.decode(tokenizer.encode("hi </s>"), false);
    EXPECT_EQ(decoded, "hi </s>");
  }
}

TEST(TokenizerKinds, StreamsDecodeAsAWhole) {
  const Scratch scratch;
  const Tokenizer tokenizer = open_folder(scratch, character_bpe(true));
  TokenStream stream(tokenizer);
  EXPECT_EQ(stream.push(6), "hi");
  EXPECT_EQ(stream.push(7), "");
  EXPECT_EQ(stream.push(8), "é");
  EXPECT_EQ(stream.push(6), " hi");
}

Json unigram() {
  Json vocabulary = Json::array();
  for (const auto& [text, score] : std::vector<std::pair<std::string, double>>{
           {"<unk>", 0}, {"</s>", 0}, {"▁", -2}, {"a", -2}, {"b", -2.5}, {"ab", -4}, {"▁a", -3}}) {
    vocabulary.push_back(Json::array({text, score}));
  }
  Json json = character_bpe(true);
  json["model"] = {{"type", "Unigram"}, {"unk_id", 0}, {"vocab", vocabulary}};
  json["pre_tokenizer"] = {
      {"type", "Metaspace"}, {"replacement", "▁"}, {"prepend_scheme", "always"}, {"split", true}};
  json["decoder"] = json["pre_tokenizer"];
  return json;
}

TEST(TokenizerKinds, UnigramTakesTheHighestTotalScore) {
  const Scratch scratch;
  const Tokenizer tokenizer = open_folder(scratch, unigram());
  EXPECT_THAT(tokenizer.encode("ab"), ElementsAre(6, 4));  // -5.5 beats -6 and -6.5
  EXPECT_THAT(tokenizer.encode("bab"), ElementsAre(2, 4, 5));
  EXPECT_THAT(tokenizer.encode("a漢字a"), ElementsAre(6, 0, 3));
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("a ba")), "a ba");
}

TEST(TokenizerKinds, UnigramFilesThatAreWrong) {
  const Scratch scratch;
  const auto refused = [&](const std::string& pointer, const Json& value,
                           const std::vector<std::string>& parts) {
    Json json = unigram();
    json[Json::json_pointer(pointer)] = value;
    expect_error(ErrorKind::kData, parts, [&] { open_folder(scratch, json); });
  };
  refused("/model/unk_id", 7, {"model.unk_id", "7"});
  refused("/model/vocab", Json::object(), {"model.vocab", "list"});
  refused("/model/vocab/3", Json::array({"a"}), {"model.vocab[3]", "[token, score]"});
  refused("/model/vocab/3", Json::array({"b", -1.0}), {"model.vocab", "'b'"});
  refused("/model/vocab/3", Json::array({"a", "x"}), {"model.vocab[3]"});
  Json json = unigram();
  json["model"]["unk_id"] = nullptr;
  const Tokenizer tokenizer = open_folder(scratch, json);
  expect_error(ErrorKind::kData, {"model.unk_id", "without a token"},
               [&] { tokenizer.encode("x"); });
}

TEST(TokenizerKinds, DecodersThatDoNotFitAreRefused) {
  const Scratch scratch;
  Json json = character_bpe(true);
  std::swap(json["decoder"]["decoders"][0], json["decoder"]["decoders"][1]);
  expect_error(ErrorKind::kData, {"decoder.decoders[1].type", "'Replace'", "this order"},
               [&] { open_folder(scratch, json); });
  json["decoder"] = {{"type", "WordPiece"}};
  expect_error(ErrorKind::kData, {"decoder.type", "'WordPiece'"},
               [&] { open_folder(scratch, json); });
}

TEST(TextNormalizer, NfcJoinsAndOrdersButLeavesNewCharactersAlone) {
  EXPECT_EQ(to_nfc("e\u0301 q\u0307\u0323"), "é q\u0323\u0307");
  EXPECT_EQ(to_nfc("\u1100\u1161\u11a8 \u2126"), "각 Ω");
  EXPECT_EQ(to_nfc(std::string("a\0e\u0301", 5)), std::string("a\0é", 4));
  EXPECT_EQ(to_nfc("x\u0301\u0898\u0323"), "x\u0301\u0898\u0323");  // Unicode 14: no order there
  EXPECT_EQ(to_nfc("\U00011935\U00011930"), "\U00011935\U00011930");
  EXPECT_EQ(to_nfc("plain é"), "plain é");
  EXPECT_EQ(to_nfc(""), "");
}

TEST(TextNormalizer, IsAppliedBeforeTheModelAndToNormalizedTokens) {
  const Scratch scratch;
  Json json = Tiny().tokenizer_json();
  json["normalizer"] = {{"type", "NFC"}};
  json["added_tokens"][2]["content"] = "e\u0301!";
  json["added_tokens"][2]["normalized"] = true;
  const Tokenizer tokenizer = open_folder(scratch, json);
  EXPECT_EQ(tokenizer.encode("he\u0301"), tokenizer.encode("hé"));
  EXPECT_THAT(tokenizer.encode("é!"), ElementsAre(Tiny().tool_id()));
  EXPECT_THAT(tokenizer.encode("e\u0301!"), ElementsAre(Tiny().tool_id()));
  EXPECT_NE(tokenizer.digest(), open_folder(scratch, Tiny().tokenizer_json()).digest());
}

std::vector<std::string> torture_texts() {
  std::ifstream file(std::string(TELORA_SOURCE_DIR) + "/tests/golden/unicode_torture.jsonl");
  std::vector<std::string> texts;
  for (std::string line; std::getline(file, line);) texts.push_back(Json::parse(line));
  return texts;
}

TEST(TokenizerSpeed, ShortcutsGiveThePiecesOfThePattern) {
  const std::vector<std::string> texts = torture_texts();
  ASSERT_GT(texts.size(), 100u);
  for (const std::vector<SplitRule>& rules : std::vector<std::vector<SplitRule>>{
           {kGpt2Split}, {kLlama3Split}, {kQwen2Split}, {kDigitSplit, kGpt2Split}}) {
    const PreTokenizer quick(rules, {}), plain(rules, {}, false);
    for (const std::string& text : texts) EXPECT_EQ(quick.split(text), plain.split(text)) << text;
  }
}

TEST(TokenizerSpeed, TheCacheGivesTheIdsOfTheModel) {
  const Tiny tiny;
  const Vocabulary vocabulary(tiny.tokens(), "", "");
  std::vector<Merge> merges;
  for (const auto& [left, right] : tiny.merges) {
    merges.push_back(resolve_merge(vocabulary, left, right, "", ""));
  }
  const Bpe bpe(vocabulary, merges, {}, "", "");
  for (int round = 0; round < 2; ++round) {  // the second one finds them in the cache
    for (const std::string& text : torture_texts()) {
      for (size_t size = 1; size < std::min<size_t>(text.size(), 40); ++size) {
        std::vector<int32_t> cached, plain;
        bpe.encode(std::string_view(text).substr(0, size), false, cached);
        bpe.encode_uncached(std::string_view(text).substr(0, size), plain);
        ASSERT_EQ(cached, plain) << text;
      }
    }
  }
}

TEST(TokenizerSpeed, TheCacheKeepsOwnersAndLengthsApart) {
  PieceCache& cache = PieceCache::of_this_thread();
  const uint32_t one = PieceCache::new_owner(), other = PieceCache::new_owner();
  const auto key = *PieceCache::key("ab");
  cache.put(one, key, std::vector<int32_t>{1, 2});
  std::vector<int32_t> ids;
  EXPECT_FALSE(cache.find(other, key, ids));
  EXPECT_FALSE(cache.find(one, *PieceCache::key(std::string("ab\0", 3)), ids));
  EXPECT_TRUE(cache.find(one, key, ids));
  EXPECT_THAT(ids, ElementsAre(1, 2));
  EXPECT_FALSE(PieceCache::key(std::string(24, 'a')).has_value());
}

TEST(TokenizerSpeed, ABatchIsEncodedAsItsTextsAre) {
  const Tokenizer tokenizer = text_tests::open_tiny();
  const std::vector<std::string> texts = torture_texts();
  const auto batch = tokenizer.encode_batch(texts);
  ASSERT_EQ(batch.size(), texts.size());
  for (size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(batch[i], tokenizer.encode(texts[i]));
  std::vector<std::string> broken(100, "a");
  broken[77] = "\xFF";
  expect_error(ErrorKind::kData, {"UTF-8"}, [&] { tokenizer.encode_batch(broken); });
}

}  // namespace
}  // namespace telora
