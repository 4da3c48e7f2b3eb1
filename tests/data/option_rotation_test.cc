#include "data/option_rotation.h"

#include <algorithm>
#include <set>

#include "tests/data/support.h"

namespace telora {
namespace {

using ::testing::ElementsAre;

Example question(std::vector<std::string> options, size_t answer) {
  Example example;
  example.options = std::move(options);
  example.answer = answer;
  return example;
}

TEST(OptionRotation, MovesEveryOptionOn) {
  const Example row = question({"red", "green", "blue", "grey"}, 1);
  const Example moved = rotate_options(row, 1);
  EXPECT_THAT(moved.options, ElementsAre("grey", "red", "green", "blue"));
  EXPECT_EQ(moved.answer, 2U);
  EXPECT_THAT(rotated_places(row.options, 1), ElementsAre(3, 0, 1, 2));
  EXPECT_EQ(rotation_count(row.options), 4U);
}

TEST(OptionRotation, WholeTurnsChangeNothing) {
  const Example row = question({"1. red", "2. green", "3. None of the above"}, 0);
  for (const size_t shift : {size_t{0}, size_t{2}, size_t{4}, size_t{1'000'000'000'000}}) {
    EXPECT_EQ(rotate_options(row, shift).options, row.options) << shift;
    EXPECT_EQ(rotate_options(row, shift).answer, row.answer) << shift;
  }
}

TEST(OptionRotation, NumbersStillCountUp) {
  const Example moved = rotate_options(question({"1. red", "2. green", "3. blue"}, 2), 1);
  EXPECT_THAT(moved.options, ElementsAre("1. blue", "2. red", "3. green"));
  EXPECT_EQ(moved.answer, 0U);
}

TEST(OptionRotation, OptionsAboutTheOthersKeepTheirPlace) {
  const Example row = question({"red", "All of the above", "green", "blue", "None of these"}, 1);
  const Example moved = rotate_options(row, 1);
  EXPECT_THAT(moved.options,
              ElementsAre("blue", "All of the above", "red", "green", "None of these"));
  EXPECT_EQ(moved.answer, 1U);
  EXPECT_EQ(rotation_count(row.options), 3U);
}

TEST(OptionRotation, RowsThatNameOptionsStay) {
  const std::vector<std::string> options = {"red", "green", "blue", "Both option 1 and option 3"};
  EXPECT_THAT(rotated_places(options, 1), ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(rotation_count(options), 1U);
  EXPECT_EQ(rotate_options(question(options, 3), 2).answer, 3U);
}

// Over all shifts every option stands at every place once, and the gold text never changes.
TEST(OptionRotation, IsAPermutationThatKeepsTheGoldText) {
  const Example row = question({"1. a", "2. b", "3. c", "4. d", "5. e"}, 3);
  std::set<std::pair<size_t, size_t>> seen;
  for (size_t shift = 0; shift < 5; ++shift) {
    const std::vector<size_t> places = rotated_places(row.options, shift);
    const Example moved = rotate_options(row, shift);
    EXPECT_EQ(strip_option_numbers(moved.options).at(moved.answer), "d");
    EXPECT_EQ(places.at(moved.answer), row.answer);
    for (size_t i = 0; i < places.size(); ++i) seen.emplace(i, places[i]);
  }
  EXPECT_EQ(seen.size(), 25U);
}

TEST(OptionRotation, EmptyAndSingleRowsAreLeftAlone) {
  EXPECT_TRUE(rotated_places({}, 3).empty());
  EXPECT_EQ(rotation_count({}), 1U);
  EXPECT_THAT(rotated_places({"all of the above"}, 3), ElementsAre(0));
  EXPECT_THAT(rotated_places({"All of the above", "x"}, 3), ElementsAre(0, 1));
}

TEST(OptionReference, OfTheOthers) {
  for (const char* text :
       {"All of the above", "all the above", "None of the above.", "All above", "none of these",
        "Both of the above", "Any of the above options", "All of these", "Neither of the above",
        "All of the options", "None of the given options", "Both", "NONE", "All of the mentioned",
        "Two of the above", "both of these statements"}) {
    EXPECT_EQ(option_reference(text, 4), OptionReference::kOthers) << text;
  }
}

TEST(OptionReference, ByName) {
  for (const char* text :
       {"Both option 1 and option 3", "A and B", "Both A and C", "Options 1 and 2", "B & C only",
        "(A) and (B)", "A, B and C", "Both 1 and 3", "Option 2 or option 4", "Neither A nor B",
        "answers A and D are correct", "both 1, 2 and 4", "Both 1 and 2 are correct."}) {
    EXPECT_EQ(option_reference(text, 4), OptionReference::kNamed) << text;
  }
}

TEST(OptionReference, NoneInPlainText) {
  for (const char* text : {"",
                           "A",
                           "1",
                           "Both uplink and downlink",
                           "All UEs below the threshold",
                           "Any subcarrier",
                           "Layer 1 and layer 2",
                           "the layers above",
                           "A and the other interface",
                           "allows both",
                           "Plan A and plan B",
                           "0.5 and 1.5",
                           "Type 1/Type 2",
                           "1/2",
                           "optional 1",
                           "\xFF",
                           "None of which is sent",
                           "B-frame",
                           "(0, 1)",
                           "2, 3, 7",
                           "1 and 3",
                           "Option 60",
                           "To serve option 7-2x",
                           "CPRI Option8",
                           "Option E",
                           "one of those nodes",
                           "Option 3x",
                           "a and b are prime numbers",
                           "All of the signal power",
                           "All messages of the cell"}) {
    EXPECT_EQ(option_reference(text, 4), OptionReference::kNone) << text;
  }
}

TEST(OptionNumbers, AreStrippedOnlyWhereAllHaveTheirOwn) {
  EXPECT_THAT(strip_option_numbers({"1. a", "2. b"}), ElementsAre("a", "b"));
  EXPECT_THAT(strip_option_numbers({"1. a", "3. b"}), ElementsAre("1. a", "3. b"));
  EXPECT_THAT(strip_option_numbers(question({"1. a", "2. 3. b"}, 1)).options,
              ElementsAre("a", "3. b"));
}

struct Counted {
  const char* category;
  size_t keep;  // rows with an option that keeps its place, the others moving
  size_t stay;  // rows left as they are
};

TEST(OptionRotation, PublishedRowsThatDoNotMoveAsAWhole) {
  TELORA_REQUIRE_PUBLISHED_DATA();
  constexpr Counted kCounted[] = {{"teleqna", 1173, 37},
                                  {"6g-bench", 0, 0},
                                  {"oran-bench", 68, 6},
                                  {"srsran-bench", 5, 0},
                                  {"teletables", 53, 1}};
  for (const Counted& want : kCounted) {
    const Category& category = find_category(want.category);
    size_t keep = 0, stay = 0;
    for (const Example& row :
         load_category({false, *testing::published_folder()}, category).examples) {
      const size_t orders = rotation_count(row.options);
      stay += orders == 1;
      keep += orders > 1 && orders < row.options.size();
      for (size_t shift = 0; shift < orders; ++shift) {
        const Example moved = rotate_options(row, shift);
        ASSERT_EQ(strip_option_numbers(moved.options).at(moved.answer),
                  strip_option_numbers(row.options).at(row.answer));
      }
    }
    EXPECT_EQ(keep, want.keep) << want.category;
    EXPECT_EQ(stay, want.stay) << want.category;
  }
}

}  // namespace
}  // namespace telora
