#include "data/grouping.h"

#include <algorithm>
#include <numeric>

#include "tests/data/support.h"

namespace telora {
namespace {

std::vector<Example> questions(const std::vector<std::string>& texts) {
  std::vector<Example> examples;
  for (const std::string& text : texts) {
    Example& example = examples.emplace_back();
    example.row = examples.size() - 1;
    example.question = text;
  }
  return examples;
}

std::vector<Example> tasks(const std::vector<int>& numbers) {
  std::vector<Example> examples;
  for (const int number : numbers) examples.emplace_back().source = {"T" + std::to_string(number)};
  return examples;
}

TEST(Grouping, SimilarQuestionsShareAGroup) {
  std::vector<Example> rows =
      questions({"What does the scheduler of a base station do?", "Which layer ciphers user data?",
                 "what does the scheduler of a base station do", "", ""});
  group_examples(rows, find_category("teleqna"));
  EXPECT_EQ(rows[0].group, rows[2].group);
  EXPECT_NE(rows[0].group, rows[1].group);
  EXPECT_EQ(rows[3].group, rows[4].group);
  EXPECT_NE(rows[3].group, rows[0].group);
}

TEST(Grouping, NamesDoNotDependOnTheOrder) {
  std::vector<Example> rows =
      questions({"Which network function selects the user plane function?",
                 "Which network function selects the user plane functions?", "What is a bearer?"});
  std::vector<Example> reversed(rows.rbegin(), rows.rend());
  group_examples(rows, find_category("teleqna"));
  group_examples(reversed, find_category("teleqna"));
  EXPECT_EQ(rows[0].group, rows[1].group);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(rows[i].group, reversed[2 - i].group);
}

TEST(Grouping, WorkingGroupsIgnoreTheHeadAndJoinFiles) {
  const std::string head = "The same long head in every row, which must not count. ###TEXT:\n";
  std::vector<Example> rows = questions(
      {head + "{handover of a session}", head + "{paging in idle}", head + "{charging records}"});
  rows[0].source = {"one.txt"};
  rows[1].source = {"two.txt"};
  rows[2].source = {"one.txt"};
  group_examples(rows, find_category("3gpp-tsg"));
  EXPECT_NE(rows[0].group, rows[1].group);
  EXPECT_EQ(rows[0].group, rows[2].group);
}

TEST(Grouping, TablesAreKeyedByAllThreeFields) {
  std::vector<Example> rows = questions({"a", "b", "c"});
  rows[0].source = {"38211", "t_1", "Title"};
  rows[1].source = {"38211", "t_1", "Title"};
  rows[2].source = {"38211", "t_1", "Other"};
  group_examples(rows, find_category("teletables"));
  EXPECT_EQ(rows[0].group, rows[1].group);
  EXPECT_NE(rows[0].group, rows[2].group);
}

TEST(Grouping, OtherFilesOfTasksAreCutWhereTheyDescend) {
  std::vector<Example> rows = tasks({1, 4, 9, 9, 12, 3});
  group_examples(rows, find_category("6g-bench"));
  std::vector<std::string> groups;
  for (const Example& row : rows) groups.push_back(row.group);
  EXPECT_THAT(groups, ::testing::ElementsAre("episode-0", "episode-0", "episode-0", "episode-1",
                                             "episode-1", "episode-2"));
}

// Ascending task numbers in every published episode, with no descent between the first two.
std::vector<int> published_tasks(const Category& category) {
  std::vector<int> numbers;
  for (const int64_t length : category.episode_lengths) {
    for (int64_t i = 0; i < length; ++i) {
      numbers.push_back(static_cast<int>(i + (numbers.size() < 11 ? numbers.size() : 1)));
    }
  }
  return numbers;
}

TEST(Grouping, PublishedEpisodesAreUsedOnlyWhereTheyFit) {
  const Category& category = find_category("6g-bench");
  std::vector<Example> rows = tasks(published_tasks(category));
  ASSERT_EQ(rows.size(), 3722U);
  group_examples(rows, category);
  EXPECT_EQ(rows.back().group, "episode-487");
  EXPECT_EQ(rows[8].group, "episode-0");
  EXPECT_EQ(rows[9].group, "episode-1");

  std::swap(rows[0].source, rows[1].source);
  group_examples(rows, category);
  EXPECT_EQ(rows[0].group, "episode-0");
  EXPECT_EQ(rows[1].group, "episode-1");
}

TEST(Grouping, ClassCyclesAreBlocks) {
  const Category& category = find_category("telelogs");
  std::vector<Example> rows = questions(std::vector<std::string>(24, "one question"));
  for (size_t i = 0; i < rows.size(); ++i) rows[i].answer = i % 8;
  group_examples(rows, category);
  EXPECT_EQ(rows[7].group, "scenario-0");
  EXPECT_EQ(rows[8].group, "scenario-1");
  EXPECT_EQ(rows[23].group, "scenario-2");
}

// Any other order of causes says nothing about scenarios: only the measured values are compared.
TEST(Grouping, OtherCausesAreGroupedByTheirTables) {
  const std::string head = "The same instruction in every row, long enough to be most of it.\n";
  const std::string table = "Time|PCI|RSRP\n10:00:01|919|-85.48\n10:00:02|919|-83.15\n";
  std::vector<Example> rows =
      questions({head + table, table, head + "Time|PCI\n11:30:07|17|-99.1\n",
                 head + "Time|PCI\n11:31:44|222|-70.3\n"});
  for (Example& row : rows) row.answer = 0;
  group_examples(rows, find_category("telelogs"));
  EXPECT_EQ(rows[0].group, rows[1].group);
  EXPECT_NE(rows[0].group, rows[2].group);
  EXPECT_NE(rows[2].group, rows[3].group);
  EXPECT_EQ(compared_text(rows[1], find_category("telelogs")),
            "10:00:01 919 -85.48 10:00:02 919 -83.15");
}

TEST(Grouping, NumbersAreMasked) {
  std::vector<Example> rows = questions({"Rate at 3 kHz?", "Rate at 12.5 kHz?", "Rate at x kHz?"});
  group_examples(rows, find_category("telemath"));
  EXPECT_EQ(rows[0].group, rows[1].group);
  EXPECT_NE(rows[0].group, rows[2].group);
}

TEST(Grouping, TaskWithoutNumberIsRefused) {
  for (const char* id : {"T", "", "T7b", "T99999999999"}) {
    std::vector<Example> rows = tasks({1});
    rows[0].id = "6g-bench/0";
    rows[0].source = {id};
    testing::expect_error(ErrorKind::kData, {"6g-bench/0", "task_id"},
                          [&] { group_examples(rows, find_category("6g-bench")); });
  }
}

TEST(EffectiveSampleSize, ByHand) {
  EXPECT_DOUBLE_EQ(effective_sample_size(std::vector<size_t>{1, 1, 1}), 3);
  EXPECT_DOUBLE_EQ(effective_sample_size(std::vector<size_t>(108, 8)), 108);
  EXPECT_DOUBLE_EQ(effective_sample_size(std::vector<size_t>{3, 1}), 1.6);
  EXPECT_EQ(effective_sample_size({}), 0);
}

}  // namespace
}  // namespace telora
