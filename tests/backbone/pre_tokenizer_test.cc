#include "backbone/pre_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "core/text.h"
#include "tests/backbone/text_support.h"

namespace telora {
namespace {

using testing::ElementsAre;
using text_tests::expect_error;

std::vector<std::string> split(std::vector<SplitRule> rules, const std::string& text) {
  const PreTokenizer pre_tokenizer(std::move(rules), {"tokenizer.json", "pre_tokenizer"});
  std::vector<std::string> pieces;
  for (const std::string_view piece : pre_tokenizer.split(text)) pieces.emplace_back(piece);
  return pieces;
}

SplitRule rule(const std::string& pattern, SplitBehavior behavior, bool invert = false) {
  return {.pattern = pattern, .behavior = behavior, .literal = true, .invert = invert};
}

TEST(PreTokenizer, Gpt2TakesOneLeadingSpaceAlongAndKeepsTheRestTogether) {
  EXPECT_THAT(split({kGpt2Split}, "a   b"), ElementsAre("a", "  ", " b"));
  EXPECT_THAT(split({kGpt2Split}, "We'll see:\n\n 42 cells "),
              ElementsAre("We", "'ll", " see", ":", "\n\n", " 42", " cells", " "));
  EXPECT_THAT(split({kGpt2Split}, "IT'S ''s"), ElementsAre("IT", "'", "S", " ''", "s"));
}

TEST(PreTokenizer, DigitsStandAloneBeforeTheGpt2Pattern) {
  EXPECT_THAT(split({kDigitSplit, kGpt2Split}, "rel 17 ½Ⅷ²"),
              ElementsAre("rel", " ", "1", "7", " ", "½", "Ⅷ", "²"));
  EXPECT_THAT(split({kDigitRunSplit}, "a17b½½"), ElementsAre("a", "17", "b", "½½"));
}

TEST(PreTokenizer, Llama3GroupsDigitsByThreeAndFoldsCase) {
  EXPECT_THAT(split({kLlama3Split}, "12345 I'LL"), ElementsAre("123", "45", " I", "'LL"));
  EXPECT_THAT(split({kLlama3Split}, "x'ſ\r\n\n y"), ElementsAre("x", "'ſ", "\r\n\n", " y"));
  EXPECT_THAT(split({kQwen2Split}, "(abc)12"), ElementsAre("(abc", ")", "1", "2"));
}

TEST(PreTokenizer, WhiteSpaceAndLettersAreThoseOfUnicode16) {
  const std::string vowel_separator = to_utf8(0x180E);  // a format character since Unicode 6.3
  EXPECT_THAT(split({kGpt2Split}, "a" + vowel_separator), ElementsAre("a", vowel_separator));
  EXPECT_THAT(split({kGpt2Split}, vowel_separator + "!"), ElementsAre(vowel_separator + "!"));
  const std::string next_line = to_utf8(0x85);
  EXPECT_THAT(split({kGpt2Split}, "!" + next_line), ElementsAre("!", next_line));
  const std::string new_ideograph = to_utf8(0x31350);  // Unicode 15
  EXPECT_THAT(split({kGpt2Split}, "a" + new_ideograph), ElementsAre("a" + new_ideograph));
}

TEST(PreTokenizer, SplitBehaviorsPlaceTheMatches) {
  const std::string text = "-a--b-";
  EXPECT_THAT(split({rule("-", SplitBehavior::kRemoved)}, text), ElementsAre("a", "b"));
  EXPECT_THAT(split({rule("-", SplitBehavior::kIsolated)}, text),
              ElementsAre("-", "a", "-", "-", "b", "-"));
  EXPECT_THAT(split({rule("-", SplitBehavior::kMergedWithPrevious)}, text),
              ElementsAre("-", "a-", "-", "b-"));
  EXPECT_THAT(split({rule("-", SplitBehavior::kMergedWithNext)}, text),
              ElementsAre("-a", "-", "-b", "-"));
  EXPECT_THAT(split({rule("-", SplitBehavior::kContiguous)}, text),
              ElementsAre("-", "a", "--", "b", "-"));
}

TEST(PreTokenizer, InvertTreatsTheGapsAsMatches) {
  EXPECT_THAT(split({rule("-", SplitBehavior::kRemoved, true)}, "-a--b"),
              ElementsAre("-", "-", "-"));
  EXPECT_THAT(split({rule("-", SplitBehavior::kMergedWithPrevious, true)}, "-a--b"),
              ElementsAre("-a", "-", "-b"));
}

TEST(PreTokenizer, EmptyMatchesOnlyCut) {
  EXPECT_THAT(split({{"x*"}}, "axxb"), ElementsAre("a", "xx", "b"));
  EXPECT_THAT(split({{"(?=B)"}}, "aBéBB"), ElementsAre("a", "Bé", "B", "B"));
}

TEST(PreTokenizer, LiteralPatternsAreNotExpressions) {
  EXPECT_THAT(split({rule(".+", SplitBehavior::kIsolated)}, "a.+b"), ElementsAre("a", ".+", "b"));
}

class RefusedPattern : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(RefusedPattern, NamesFileFieldAndConstruct) {
  const auto [pattern, named] = GetParam();
  expect_error(ErrorKind::kData, {"tokenizer.json: pre_tokenizer", named},
               [&] { split({{pattern}}, "text"); });
}

INSTANTIATE_TEST_SUITE_P(
    T08, RefusedPattern,
    testing::Values(std::pair{"\\w+", "escape \\w"}, std::pair{"\\h", "escape \\h"},
                    std::pair{"a$", "an anchor"}, std::pair{"^a", "an anchor"},
                    std::pair{"a{2}+", "possessive"}, std::pair{"a{,2}", "'{,'"},
                    std::pair{"(*UTF)a", "'(*'"}, std::pair{"(?R)", "group '(?R'"},
                    std::pair{"(?i)a", "group '(?i'"}, std::pair{"[a[b]]", "nested"},
                    std::pair{"[]a]", "empty character class"}, std::pair{"[ab", "without its end"},
                    std::pair{"a\\", "a backslash"}, std::pair{"\\pL", "\\p without"},
                    std::pair{"\\p{^L}", "property name"}, std::pair{"(a", "valid regular"},
                    std::pair{"\\p{Nonsense}", "valid regular"}, std::pair{"*", "valid regular"}));

TEST(PreTokenizer, T08PatternThatBacktracksWithoutEndIsStopped) {
  const auto begin = std::chrono::steady_clock::now();
  expect_error(ErrorKind::kData, {"tokenizer.json: pre_tokenizer", "steps", "backtracks too much"},
               [] { split({{"(?:a|a|aa)+(?=b)"}}, std::string(200, 'a')); });
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
}

TEST(PreTokenizer, T08DeeplyNestedPatternIsRefused) {
  const std::string pattern = std::string(5000, '(') + "a" + std::string(5000, ')');
  expect_error(ErrorKind::kData, {"pre_tokenizer", "nested"}, [&] { split({{pattern}}, "a"); });
}

TEST(PreTokenizer, LongRunsNeedNoMoreStepsThanTheLimit) {
  const std::string spaces(1 << 20, ' ');
  EXPECT_EQ(split({kLlama3Split}, spaces + "x").size(), 2u);
  EXPECT_EQ(split({kGpt2Split}, spaces).size(), 1u);
  EXPECT_EQ(split({kGpt2Split}, std::string(1 << 20, 'a')).size(), 1u);
}

}  // namespace
}  // namespace telora
