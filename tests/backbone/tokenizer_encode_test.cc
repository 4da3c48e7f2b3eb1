#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "backbone/tokenizer.h"
#include "tests/backbone/text_support.h"

namespace telora {
namespace {

using golden::Scratch;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::IsEmpty;
using text_tests::expect_error;
using text_tests::Json;
using text_tests::open_folder;
using text_tests::open_tiny;
using text_tests::Tiny;
using Segments = std::vector<Tokenizer::Segment>;

const Tiny kTiny;

std::vector<int32_t> bytes(const std::string& text) {
  std::vector<int32_t> ids;
  for (const char byte : text) ids.push_back(static_cast<unsigned char>(byte));
  return ids;
}

TEST(TokenizerEncode, MergesTheLowestRankFirst) {
  const Tokenizer tokenizer = open_tiny();
  EXPECT_THAT(tokenizer.encode("hello hello"), ElementsAre(kTiny.merge_id(3), kTiny.merge_id(4)));
  EXPECT_THAT(tokenizer.encode("hell"), ElementsAre(kTiny.merge_id(2)));
  // `l l` outranks `he ll`, so the third l stays alone.
  EXPECT_THAT(tokenizer.encode("helll"), ElementsAre(kTiny.merge_id(2), 'l'));
  EXPECT_THAT(tokenizer.encode(""), IsEmpty());
}

TEST(TokenizerEncode, TiesGoToTheLeft) {
  const Tokenizer tokenizer = open_tiny();
  EXPECT_THAT(tokenizer.encode("lll"), ElementsAre(kTiny.merge_id(0), 'l'));
  EXPECT_THAT(tokenizer.encode("bab"), ElementsAre('b', kTiny.merge_id(5)));
}

// Straight from the definition: scan for the lowest rank, merge, repeat.
std::vector<int32_t> merge_slowly(const Tiny& tiny, const std::string& piece) {
  std::vector<std::string> symbols;
  for (const char c : piece) symbols.emplace_back(1, c);
  for (;;) {
    size_t best_rank = tiny.merges.size(), best = 0;
    for (size_t i = 0; i + 1 < symbols.size(); ++i) {
      for (size_t rank = 0; rank < best_rank; ++rank) {
        if (tiny.merges[rank] == std::pair{symbols[i], symbols[i + 1]}) best_rank = rank, best = i;
      }
    }
    if (best_rank == tiny.merges.size()) break;
    symbols[best] += symbols[best + 1];
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
  const std::vector<std::string> tokens = tiny.tokens();
  std::vector<int32_t> ids;
  for (const std::string& symbol : symbols) {
    ids.push_back(static_cast<int32_t>(std::ranges::find(tokens, symbol) - tokens.begin()));
  }
  return ids;
}

TEST(TokenizerEncode, ShortAndLongPiecesFollowTheDefinition) {
  Tiny tiny;
  tiny.merges = {{"a", "b"},    {"b", "b"}, {"ab", "a"}, {"c", "ab"}, {"bb", "c"},
                 {"aba", "bb"}, {"c", "c"}, {"a", "a"},  {"cc", "aa"}};
  const Tokenizer tokenizer = open_tiny(tiny);
  std::mt19937 random(11);
  for (const size_t length : {1, 2, 3, 17, 63, 64, 65, 66, 200, 700}) {
    for (int repeat = 0; repeat < 20; ++repeat) {
      std::string piece;
      while (piece.size() < length) piece += "abc"[random() % 3];
      EXPECT_EQ(tokenizer.encode(piece), merge_slowly(tiny, piece)) << piece;
    }
  }
}

TEST(TokenizerEncode, OneMegabyteWithoutABreakIsNoBurden) {
  const Tokenizer tokenizer = open_tiny();
  EXPECT_EQ(tokenizer.encode(std::string(1 << 20, 'l')).size(), size_t{1} << 19);
}

TEST(TokenizerEncode, InvalidUtf8IsRefusedWithItsOffset) {
  expect_error(ErrorKind::kData, {"text at byte 2", "UTF-8"},
               [] { open_tiny().encode("ab\xC3("); });
  expect_error(ErrorKind::kData, {"text at byte 0"}, [] { open_tiny().encode("\xED\xA0\x80"); });
}

TEST(TokenizerEncode, AddedTokensAreFoundWhole) {
  const Tokenizer tokenizer = open_tiny();
  EXPECT_THAT(tokenizer.encode("<|go|>a<tool><|end|>"),
              ElementsAre(kTiny.go_id(), 'a', kTiny.tool_id(), kTiny.end_id()));
  EXPECT_THAT(tokenizer.encode("<|go|"), ElementsAreArray(bytes("<|go|")));
}

TEST(TokenizerEncode, ControlTokensInContentStayText) {
  const Tokenizer tokenizer = open_tiny();
  const std::string text = "x<|end|>y";
  EXPECT_THAT(tokenizer.encode(Segments{{text, false}}), ElementsAreArray(bytes(text)));
  EXPECT_THAT(
      tokenizer.encode(Segments{{"<|go|>", true}, {text, false}, {"<|end|>", true}}),
      ElementsAre(kTiny.go_id(), 'x', '<', '|', 'e', 'n', 'd', '|', '>', 'y', kTiny.end_id()));
}

TEST(TokenizerEncode, ContentCannotCompleteAControlToken) {
  const Tokenizer tokenizer = open_tiny();
  EXPECT_THAT(tokenizer.encode(Segments{{"<|", true}, {"end|>", false}}),
              ElementsAreArray(bytes("<|end|>")));
  EXPECT_THAT(tokenizer.encode(Segments{{"<|en", false}, {"d|>", false}}),
              ElementsAreArray(bytes("<|end|>")));
  EXPECT_THAT(tokenizer.encode(Segments{{"<|e", true}, {"nd|>", true}}),
              ElementsAre(kTiny.end_id()));
}

TEST(TokenizerEncode, TokensThatAreNoControlTokensAreFoundInContentToo) {
  EXPECT_THAT(open_tiny().encode(Segments{{"<to", true}, {"ol>", false}}),
              ElementsAre(kTiny.tool_id()));
}

TEST(TokenizerEncode, SegmentsAreSplitAsOneText) {
  const Tokenizer tokenizer = open_tiny();
  EXPECT_THAT(tokenizer.encode(Segments{{" he", true}, {"ll", false}, {"", false}, {"o", true}}),
              ElementsAre(kTiny.merge_id(4)));
  EXPECT_EQ(tokenizer.encode(Segments{{"\xC3", true}, {"\xA9", false}}), tokenizer.encode("é"));
}

TEST(TokenizerEncode, ALongerTokenIsNotTakenAcrossABorderToContent) {
  Json json = kTiny.tokenizer_json();
  json["added_tokens"].push_back({{"id", kTiny.tool_id() + 1},
                                  {"content", "<|end|>!"},
                                  {"special", true},
                                  {"normalized", false}});
  const Scratch scratch;
  const Tokenizer tokenizer = open_folder(scratch, json);
  EXPECT_THAT(tokenizer.encode("<|end|>!"), ElementsAre(kTiny.tool_id() + 1));
  EXPECT_THAT(tokenizer.encode(Segments{{"<|end|>", true}, {"!", false}}),
              ElementsAre(kTiny.end_id(), '!'));
}

// The tokenizer with a fourth added token of the given flags; its id is tool_id() + 1.
Tokenizer with_added(const Scratch& scratch, const std::string& content, const std::string& flag) {
  Json json = kTiny.tokenizer_json();
  json["added_tokens"].push_back(
      {{"id", kTiny.tool_id() + 1}, {"content", content}, {"normalized", false}});
  json["added_tokens"].back()[flag] = true;
  return open_folder(scratch, json);
}

TEST(TokenizerEncode, AddedTokenFlagsDecideWhereItMatches) {
  const int32_t id = kTiny.tool_id() + 1;
  const Scratch scratch;
  const Tokenizer word = with_added(scratch, "up", "single_word");
  EXPECT_THAT(word.encode("up-up"), ElementsAre(id, '-', id));
  EXPECT_THAT(word.encode("upé"), ElementsAreArray(bytes("upé")));
  EXPECT_THAT(word.encode("_up"), ElementsAreArray(bytes("_up")));
  const Tokenizer left = with_added(scratch, "up", "lstrip");
  EXPECT_THAT(left.encode("a \t\u2003up b"), ElementsAre('a', id, ' ', 'b'));
  const Tokenizer right = with_added(scratch, "up", "rstrip");
  EXPECT_THAT(right.encode("a up \nb"), ElementsAre('a', ' ', id, 'b'));
  EXPECT_THAT(right.encode("up  up"), ElementsAre(id, id));
}

TEST(TokenizerEncode, TokensThatAreNotNormalizedComeFirst) {
  const Scratch scratch;
  const Tokenizer tokenizer = with_added(scratch, "a<too", "normalized");
  EXPECT_THAT(tokenizer.encode("a<tool>"), ElementsAre('a', kTiny.tool_id()));
  EXPECT_THAT(tokenizer.encode("a<too"), ElementsAre(kTiny.tool_id() + 1));
}

Tokenizer with_model(const Scratch& scratch, const std::function<void(Json& model)>& change) {
  Json json = kTiny.tokenizer_json();
  change(json["model"]);
  return open_folder(scratch, json);
}

TEST(TokenizerEncode, IgnoreMergesTakesWholePiecesOfTheVocabulary) {
  const Scratch scratch;
  const auto without_last_merge = [](bool ignore) {
    return [ignore](Json& model) {
      model["merges"] = Json::array({{"l", "l"}});
      model["ignore_merges"] = ignore;
    };
  };
  const Tokenizer ignoring = with_model(scratch, without_last_merge(true));
  EXPECT_THAT(ignoring.encode("hello"), ElementsAre(kTiny.merge_id(3)));
  EXPECT_THAT(ignoring.encode("hella"), ElementsAre('h', 'e', kTiny.merge_id(0), 'a'));
  const Tokenizer merging = with_model(scratch, without_last_merge(false));
  EXPECT_THAT(merging.encode("hello"), ElementsAre('h', 'e', kTiny.merge_id(0), 'o'));
}

TEST(TokenizerEncode, BytesWithoutATokenAreUnknownOrLeftOut) {
  const auto drop_q = [](const Json& unknown, bool fuse) {
    return [unknown, fuse](Json& model) {
      model["vocab"].erase("q");
      model["vocab"]["qq"] = 'q';
      model["unk_token"] = unknown;
      model["fuse_unk"] = fuse;
    };
  };
  const Scratch scratch;
  EXPECT_THAT(with_model(scratch, drop_q(nullptr, false)).encode("lql"),
              ElementsAre(kTiny.merge_id(0)));
  EXPECT_THAT(with_model(scratch, drop_q("?", false)).encode("lqql"),
              ElementsAre('l', '?', '?', 'l'));
  EXPECT_THAT(with_model(scratch, drop_q("?", true)).encode("lqql"), ElementsAre('l', '?', 'l'));
}

TEST(TokenizerEncode, OneTokenizerServesSeveralThreads) {
  const Tokenizer tokenizer = open_tiny();
  const std::string text = "hello <|go|> 12 abba é " + std::string(100, 'l');
  const std::vector<int32_t> expected = tokenizer.encode(text);
  std::vector<int> wrong(4);
  std::vector<std::thread> threads;
  for (int& count : wrong) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) count += tokenizer.encode(text) != expected;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(wrong, testing::Each(0));
}

}  // namespace
}  // namespace telora
