#include "data/near_duplicates.h"

#include <set>

#include "core/random.h"
#include "data/disjoint_sets.h"
#include "data/regex.h"
#include "tests/data/support.h"

namespace telora {
namespace {

using ::testing::ElementsAre;

TEST(NormaliseText, KeepsLettersAndDigits) {
  EXPECT_EQ(normalise_text("  What's the RRC-state, v16.2.0?  "), "what s the rrc state v16 2 0");
  EXPECT_EQ(normalise_text("ÄÖ µs – Ωm"), "äö µs ωm");
  EXPECT_EQ(normalise_text("--- !"), "");
  EXPECT_EQ(normalise_text(""), "");
  EXPECT_EQ(normalise_text("信道 编码"), "信道 编码");
  EXPECT_EQ(normalise_text("snake_case\xF0\x9F\x93\xA1x"), "snake case x");
}

TEST(NearDuplicates, EqualAndShortTexts) {
  EXPECT_THAT(near_duplicate_clusters({"abc", "abd", "abc", "", ""}), ElementsAre(0, 1, 0, 3, 3));
  EXPECT_TRUE(near_duplicate_clusters({}).empty());
}

// Texts without a repeated character: 13 of them hold nine substrings, shifted by one they share
// eight.
TEST(NearDuplicates, ThresholdIsExclusive) {
  const std::string text = "abcdefghijklmnopqrstuvwxyz";
  // 8 of 10 is exactly 0.8 and not above it; 9 of 11 is.
  EXPECT_THAT(near_duplicate_clusters({text.substr(0, 13), text.substr(1, 13)}), ElementsAre(0, 1));
  EXPECT_THAT(near_duplicate_clusters({text.substr(0, 14), text.substr(1, 14)}), ElementsAre(0, 0));
}

// Code points, not bytes: the fifth characters differ only in their last byte.
TEST(NearDuplicates, CountsCharacters) {
  EXPECT_THAT(near_duplicate_clusters({"中中中中中", "中中中中丮"}), ElementsAre(0, 1));
}

std::set<std::u32string> grams(const std::string& text) {
  const std::u32string wide(text.begin(), text.end());
  if (wide.size() < 5) return {wide};
  std::set<std::u32string> out;
  for (size_t i = 0; i + 5 <= wide.size(); ++i) out.insert(wide.substr(i, 5));
  return out;
}

bool alike(const std::string& a, const std::string& b) {
  const auto x = grams(a);
  const auto y = grams(b);
  size_t common = 0;
  for (const auto& gram : x) common += y.count(gram);
  return 5 * common > 4 * (x.size() + y.size() - common);
}

// Copies of a few random texts with some characters changed, appended or dropped.
std::vector<std::string> mutated_texts(size_t count, uint64_t seed) {
  RandomStream random(seed);
  const auto letter = [&] { return static_cast<char>('a' + random.below(3)); };
  std::vector<std::string> texts;
  for (size_t i = 0; i < count; ++i) {
    std::string text = texts.empty() ? "" : texts[random.below(texts.size())];
    if (i < 20) {
      text.clear();
      for (uint64_t n = random.below(80); n > 0; --n) text += letter();
    }
    for (uint64_t n = random.below(4); n > 0 && !text.empty(); --n) {
      const size_t at = random.below(text.size());
      if (random.below(2) == 0) text[at] = letter();
      if (random.below(2) == 0) text.insert(at, 1, letter());
    }
    texts.push_back(text);
  }
  return texts;
}

TEST(NearDuplicates, EqualsComparingAllPairs) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    const std::vector<std::string> texts = mutated_texts(200, seed);
    DisjointSets expected(texts.size());
    for (size_t i = 0; i < texts.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        if (alike(texts[i], texts[j])) expected.join(i, j);
      }
    }
    std::vector<size_t> want;
    for (size_t i = 0; i < texts.size(); ++i) want.push_back(expected.find(i));
    EXPECT_EQ(near_duplicate_clusters(texts), want);
    const size_t clusters = std::set<size_t>(want.begin(), want.end()).size();
    EXPECT_GT(clusters, 20U);
    EXPECT_LT(clusters, 190U);
  }
}

TEST(Regex, StopsAtItsBound) {
  EXPECT_THAT(Regex("(a+)b").captures("aab ab a"), ElementsAre("aa", "a"));
  EXPECT_TRUE(Regex("((?:a+)+)$").captures(std::string(100, 'a') + "b").empty());
  testing::expect_error(ErrorKind::kInternal, {"regular expression"}, [] { Regex("("); });
  testing::expect_error(ErrorKind::kInternal, {"match"}, [] { Regex("(a)").captures("\xFF"); });
}

}  // namespace
}  // namespace telora
