#include "data/regex.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "core/error.h"

namespace telora {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Regex, MatchesAnywhere) {
  const Regex word(R"(\bfull\b)", {.ignore_case = true});
  EXPECT_TRUE(word.matches("a Full frame"));
  EXPECT_FALSE(word.matches("fully loaded"));
  EXPECT_TRUE(Regex("x*").matches(""));
  EXPECT_TRUE(Regex(R"(\d)").matches("\xd9\xa3"));  // ARABIC-INDIC DIGIT THREE
}

TEST(Regex, CapturesAreGroupOneOfEveryMatch) {
  EXPECT_THAT(Regex(R"(([a-z])\d)").captures("a1 b2 c d3"), ElementsAre("a", "b", "d"));
  EXPECT_THAT(Regex("(x*)").captures("yxxyx"), ElementsAre("xx", "x"));
  EXPECT_THAT(Regex("(x)").captures(""), IsEmpty());
}

TEST(Regex, LinesEndAtNewlinesOnly) {
  EXPECT_THAT(Regex("^(.+)$", {.multiline = true}).captures("a\r\nb\vc"),
              ElementsAre("a\r", "b\vc"));
}

TEST(Regex, ReplacesEveryMatch) { EXPECT_EQ(Regex(R"(\d+)").replace("a1b22", "#"), "a#b#"); }

// (a+)+ tries every way of cutting the run before it gives up.
TEST(Regex, GivesUpWhereASearchWouldNotEnd) {
  const std::string run = std::string(200, 'a') + "b";
  EXPECT_FALSE(Regex("^(?:(a+)+)+$").matches(run));
  EXPECT_THAT(Regex("^((?:a+)+)+$").captures(run), IsEmpty());
}

TEST(Regex, AWrongPatternIsAFaultOfTheProgram) { EXPECT_THROW(Regex("("), Error); }

}  // namespace
}  // namespace telora
