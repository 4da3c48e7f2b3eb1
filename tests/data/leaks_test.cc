#include "data/leaks.h"

#include "tests/data/support.h"

namespace telora {
namespace {

Example row(const std::string& question, std::vector<std::string> options, size_t answer) {
  Example example;
  example.question = question;
  example.options = std::move(options);
  example.answer = answer;
  return example;
}

TEST(Leaks, ItemsAreTheSameWhateverTheOrder) {
  const Example one = row("Which unit?", {"dBm", "Hz"}, 0);
  EXPECT_EQ(item_key(one), item_key(row("which unit", {"hz", "DBM."}, 1)));
  EXPECT_EQ(item_key(one), item_key(row("Which unit?", {"1. dBm", "2. Hz"}, 0)));
  EXPECT_NE(item_key(one), item_key(row("Which unit?", {"dBm", "Hz"}, 1)));
  EXPECT_NE(item_key(one), item_key(row("Which unit?", {"dBm", "bit"}, 0)));
  EXPECT_NE(item_key(one), item_key(row("Which units?", {"dBm", "Hz"}, 0)));
}

TEST(Leaks, PartsOfAnItemDoNotRunIntoEachOther) {
  EXPECT_NE(item_key(row("a", {"b", "c"}, 0)), item_key(row("a b", {"b", "c"}, 0)));
  EXPECT_NE(item_key(row("q", {"a b", "c"}, 0)), item_key(row("q", {"a", "b c"}, 0)));
}

TEST(Leaks, NumbersKeepTheirSignAndPoint) {
  Example six = row("How much?", {}, 0);
  six.number = "6.5";
  Example other = six;
  EXPECT_EQ(item_key(six), item_key(other));
  for (const char* number : {"-6.5", "65.0", "6.50001"}) {
    other.number = number;
    EXPECT_NE(item_key(six), item_key(other)) << number;
  }
}

TEST(Leaks, TrainingRowsThatAreTestRowsAreNamed) {
  std::vector<Example> rows;
  for (int i = 0; i < 6; ++i) rows.push_back(row("Q" + std::to_string(i), {"a", "b"}, 0));
  rows[4].question = "q1!";
  rows[5].question = "Q0";
  rows[5].answer = 1;  // the same question with another answer is no duplicate
  const Split split{.train = {3, 1, 0}, .validation = {2}, .test = {5, 4}, .method = "py"};
  const std::vector<ExactDuplicate> found = exact_test_duplicates(split, rows);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].train, 1U);
  EXPECT_EQ(found[0].test, 4U);
}

TEST(Leaks, GroupSplitOfThePublishedRowsHasNone) {
  TELORA_REQUIRE_PUBLISHED_DATA();
  for (const Category& category : categories()) {
    const DataSet data = load_category({false, *testing::published_folder()}, category);
    const Split split = make_split(data.examples, category, "group", 42);
    EXPECT_TRUE(exact_test_duplicates(split, data.examples).empty()) << category.name;
  }
}

}  // namespace
}  // namespace telora
