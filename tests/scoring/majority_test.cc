#include "scoring/majority.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace telora {
namespace {

// Each letter a sample; a dot is one that was not understood. Returns the winner's place.
std::optional<size_t> vote(const std::string& letters) {
  std::vector<Sample> samples;
  for (const char letter : letters) {
    samples.push_back({.output = {}, .predicted = letter == '.' ? "" : std::string(1, letter)});
  }
  return majority_vote(samples);
}

TEST(MajorityVote, TheMostFrequentAnswerWins) {
  EXPECT_EQ(vote("BCCA"), 1U);
  EXPECT_EQ(vote("D"), 0U);
}

TEST(MajorityVote, OfEquallyFrequentAnswersTheOneDrawnFirst) {
  EXPECT_EQ(vote("BAAB"), 0U);
  EXPECT_EQ(vote("CABD"), 0U);
  EXPECT_EQ(vote("CABBA"), 1U);
}

TEST(MajorityVote, AnswersThatWereNotUnderstoodHaveNoVote) {
  EXPECT_EQ(vote("...B"), 3U);
  EXPECT_EQ(vote(".A.AB"), 1U);
  EXPECT_EQ(vote(".."), std::nullopt);
  EXPECT_EQ(vote(""), std::nullopt);
}

TEST(MajorityName, SaysHowManySamples) { EXPECT_EQ(majority_name(4), "generated maj@4"); }

}  // namespace
}  // namespace telora
