#include "scoring/majority.h"

#include <gtest/gtest.h>

#include <vector>

namespace telora {
namespace {

using Answers = std::vector<std::optional<size_t>>;
constexpr std::nullopt_t kNone = std::nullopt;

TEST(MajorityVote, TheMostFrequentAnswerWins) {
  EXPECT_EQ(majority_vote(Answers{1, 2, 2, 0}), 2U);
  EXPECT_EQ(majority_vote(Answers{3}), 3U);
}

TEST(MajorityVote, OfEquallyFrequentAnswersTheOneDrawnFirst) {
  EXPECT_EQ(majority_vote(Answers{1, 0, 0, 1}), 1U);
  EXPECT_EQ(majority_vote(Answers{2, 0, 1, 3}), 2U);
  EXPECT_EQ(majority_vote(Answers{2, 0, 1, 1, 0}), 0U);
}

TEST(MajorityVote, AnswersThatWereNotUnderstoodHaveNoVote) {
  EXPECT_EQ(majority_vote(Answers{kNone, kNone, kNone, 1}), 1U);
  EXPECT_EQ(majority_vote(Answers{kNone, 0, kNone, 0, 1}), 0U);
  EXPECT_EQ(majority_vote(Answers{kNone, kNone}), std::nullopt);
  EXPECT_EQ(majority_vote({}), std::nullopt);
}

TEST(MajorityName, SaysHowManySamples) { EXPECT_EQ(majority_name(4), "generated maj@4"); }

}  // namespace
}  // namespace telora
