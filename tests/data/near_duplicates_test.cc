#include "data/near_duplicates.h"

#include <algorithm>
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

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words(1);
  for (const char c : text) {
    if (c == ' ') {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  return words;
}

bool alike_in_words(const std::string& a, const std::string& b) {
  const auto sets = [](const std::string& text) {
    const std::vector<std::string> words = words_of(text);
    std::set<std::vector<std::string>> out;
    for (auto at = words.begin(); at + 5 <= words.end(); ++at) out.insert({at, at + 5});
    if (out.empty()) out.insert({text});
    return out;
  };
  const auto x = sets(a);
  const auto y = sets(b);
  size_t common = 0;
  for (const auto& gram : x) common += y.count(gram);
  return 5 * common > 4 * (x.size() + y.size() - common);
}

TEST(NearDuplicates, WordsEqualComparingAllPairs) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    std::vector<std::string> texts;
    for (const std::string& letters : mutated_texts(150, seed)) {
      std::string& text = texts.emplace_back();
      for (const char c : letters) text += (text.empty() ? "" : " ") + std::string(3, c);
    }
    const auto near = near_duplicates(texts, GramUnit::kWords);
    size_t pairs = 0;
    for (size_t i = 0; i < texts.size(); ++i) {
      for (size_t j = 0; j < texts.size(); ++j) {
        const bool found = std::ranges::binary_search(near[i], j);
        EXPECT_EQ(found, i != j && alike_in_words(texts[i], texts[j])) << i << ' ' << j;
        pairs += found;
      }
    }
    EXPECT_GT(pairs, 20U);
  }
}

// 5 words are one piece, 8 of 10 pieces are exactly at the threshold.
TEST(NearDuplicates, WordsAreCountedWhole) {
  const auto clusters = [](const std::vector<std::string>& texts) {
    return near_duplicate_clusters(texts, GramUnit::kWords);
  };
  EXPECT_THAT(clusters({"a b c d e", "a b c d ee", "a b c d e"}), ElementsAre(0, 1, 0));
  EXPECT_THAT(clusters({"a b c d", "a b c d", "a b c", ""}), ElementsAre(0, 0, 2, 3));
  EXPECT_THAT(clusters({"a b c d e f g h i j k l m", "b c d e f g h i j k l m n"}),
              ElementsAre(0, 1));
  EXPECT_THAT(clusters({"a b c d e f g h i j k l m n", "b c d e f g h i j k l m n o"}),
              ElementsAre(0, 0));
}

TEST(NearDuplicates, PairsJoinToTheClusters) {
  const std::vector<std::string> texts = mutated_texts(200, 9);
  const auto near = near_duplicates(texts, GramUnit::kCharacters);
  DisjointSets joined(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    for (const size_t j : near[i]) joined.join(i, j);
  }
  std::vector<size_t> clusters;
  for (size_t i = 0; i < texts.size(); ++i) clusters.push_back(joined.find(i));
  EXPECT_EQ(near_duplicate_clusters(texts), clusters);
}

TEST(MaskNumbers, OneSignForEachNumber) {
  EXPECT_EQ(mask_numbers("At 12.5 kHz and 3 dB: x2 = 10^-3."), "At # kHz and # dB: x# = #^-#.");
  EXPECT_EQ(mask_numbers("1.2.3"), "#.#");
  EXPECT_EQ(mask_numbers(""), "");
}

TEST(Regex, StopsAtItsBound) {
  EXPECT_THAT(Regex("(a+)b").captures("aab ab a"), ElementsAre("aa", "a"));
  EXPECT_TRUE(Regex("((?:a+)+)$").captures(std::string(100, 'a') + "b").empty());
  testing::expect_error(ErrorKind::kInternal, {"regular expression"}, [] { Regex("("); });
  testing::expect_error(ErrorKind::kInternal, {"match"}, [] { Regex("(a)").captures("\xFF"); });
}

}  // namespace
}  // namespace telora
