#include "scoring/hashed_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace telora {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Words, LettersDigitsAndUnderscores) {
  EXPECT_THAT(words_of("The 5G-NR core (srs_DU): α=1.5"),
              ElementsAre("the", "5g", "nr", "core", "srs_du", "α", "1", "5"));
  EXPECT_THAT(words_of(" ,. "), IsEmpty());
}

double length(const Features& features) {
  double squares = 0;
  for (const Feature& f : features) squares += double{f.value} * double{f.value};
  return std::sqrt(squares);
}

TEST(HashedText, HoldsWordsAndPairs) {
  const HashedText bag({"radio network", "radio core", "x"}, {.fewest_texts = 1});
  EXPECT_EQ(bag.size(), 5U);  // radio, network, core and two pairs
  EXPECT_EQ(bag.features("radio network").size(), 3U);
  EXPECT_EQ(bag.features("network radio").size(), 2U);  // that pair was never seen
  EXPECT_EQ(bag.features("Network, radio!").size(), 2U);
  EXPECT_THAT(bag.features("unknown words"), IsEmpty());
}

TEST(HashedText, HasUnitLengthAndAscendingIndices) {
  const HashedText bag({"one two three two", "two four", "x"}, {.fewest_texts = 1});
  const Features features = bag.features("two two one four three");
  EXPECT_NEAR(length(features), 1, 1e-6);
  for (size_t i = 1; i < features.size(); ++i) {
    EXPECT_LT(features[i - 1].index, features[i].index);
  }
}

TEST(HashedText, RareWordsWeighMore) {
  const HashedText bag({"common rare", "common", "common", "other"}, {.fewest_texts = 1});
  const double common = std::log(5.0 / 4) + 1, rare = std::log(5.0 / 2) + 1;
  const Features features = bag.features("common xx rare");  // xx parts the pair
  ASSERT_EQ(features.size(), 2U);
  const double small = std::min<double>(features[0].value, features[1].value);
  const double large = std::max<double>(features[0].value, features[1].value);
  EXPECT_NEAR(large / small, rare / common, 1e-6);
}

TEST(HashedText, RepeatedWordsCountLessEachTime) {
  const HashedText bag({"a1 b1", "a1", "b1"}, {.fewest_texts = 2});
  const Features features = bag.features("a1 a1 a1 zz b1");
  ASSERT_EQ(features.size(), 2U);
  const double ratio = double{features[0].value} / double{features[1].value};
  EXPECT_NEAR(std::max(ratio, 1 / ratio), 1 + std::log(3.0), 1e-6);
}

TEST(HashedText, LeavesOutWhatIsTooRareOrTooShort) {
  const HashedText bag({"aa bb", "aa cc", "d"}, {.fewest_texts = 2, .shortest_word = 2});
  EXPECT_EQ(bag.size(), 1U);
  const HashedText letters({"d e", "d", "aa"}, {.fewest_texts = 1, .shortest_word = 1});
  EXPECT_EQ(letters.size(), 4U);
}

TEST(HashedText, LeavesOutWhatEveryTextHolds) {
  const HashedText bag({"head one", "head two", "head two"}, {.fewest_texts = 1});
  EXPECT_THAT(bag.features("head"), IsEmpty());
  EXPECT_EQ(bag.features("head two").size(), 2U);
}

TEST(HashedText, NoTexts) {
  const HashedText bag({}, {});
  EXPECT_EQ(bag.size(), 0U);
  EXPECT_THAT(bag.features("anything"), IsEmpty());
}

}  // namespace
}  // namespace telora
