#include "data/category.h"

#include "core/embedded.h"
#include "tests/data/support.h"

namespace telora {
namespace {

using ::testing::ElementsAre;
using testing::expect_error;

std::string table_with(const std::string& from, const std::string& to) {
  std::string text(embedded_file("configs/categories.yaml"));
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Category, TableHasTheEightBenchmarks) {
  std::vector<std::string> names;
  for (const Category& category : categories()) names.push_back(category.name);
  EXPECT_THAT(names, ElementsAre("teleqna", "6g-bench", "3gpp-tsg", "oran-bench", "srsran-bench",
                                 "teletables", "telelogs", "telemath"));
}

TEST(Category, IsFoundByNameAndByAlias) {
  EXPECT_EQ(find_category("6g-bench").file, "sixg_bench");
  EXPECT_EQ(find_category("sixg_bench").name, "6g-bench");
  EXPECT_EQ(find_category("three_gpp").name, "3gpp-tsg");
  EXPECT_EQ(find_category("oranbench").name, "oran-bench");
  EXPECT_EQ(find_category("srsranbench").name, "srsran-bench");
}

TEST(Category, UnknownNameGetsTheNearest) {
  expect_error(ErrorKind::kUsage, {"category", "telqna", "did you mean teleqna?"},
               [] { find_category("telqna"); });
  expect_error(ErrorKind::kUsage, {"one of teleqna, 6g-bench"}, [] { find_category("\x1b[31m"); });
}

TEST(Category, WorkingGroupsAreClasses) {
  const Category& category = find_category("3gpp-tsg");
  EXPECT_EQ(category.kind, TaskKind::kClasses);
  EXPECT_EQ(category.classes.size(), 16U);
  EXPECT_EQ(category.max_length, 4096);
  EXPECT_EQ(find_category("teleqna").kind, TaskKind::kLetters);
  EXPECT_EQ(find_category("telelogs").kind, TaskKind::kClasses);
  EXPECT_EQ(find_category("telemath").kind, TaskKind::kNumber);
}

TEST(Category, KnowsTheParsersOfItsAnswers) {
  EXPECT_THAT(answer_parsers_of(find_category("3gpp-tsg")),
              ElementsAre("working-group-official", "working-group-exact"));
  EXPECT_THAT(answer_parsers_of(find_category("telelogs")),
              ElementsAre("boxed-cause", "boxed-cause-hard"));
  EXPECT_THAT(answer_parsers_of(find_category("telemath")),
              ElementsAre("boxed-number", "boxed-number-rel1"));
  EXPECT_THAT(answer_parsers_of(find_category("6g-bench")),
              ElementsAre("inspect-legacy", "inspect-current", "lenient", "sixg-json"));
  EXPECT_THAT(find_category("6g-bench").other_parsers, ElementsAre("inspect-current", "lenient"));
}

TEST(Category, OnlyNumbersHaveASystemMessage) {
  for (const Category& category : categories()) {
    EXPECT_EQ(category.system.empty(), category.kind != TaskKind::kNumber) << category.name;
  }
}

TEST(Category, WrongTableIsRefusedByField) {
  expect_error(ErrorKind::kConfig, {"t.yaml", "parser", "inspect-legacy"}, [] {
    parse_categories(table_with("parser: inspect-legacy", "parser: inspect-legcy"), "t.yaml");
  });
  expect_error(ErrorKind::kConfig, {"formats.multiple-choice.prompt", "{choices} exactly once"},
               [] { parse_categories(table_with("{choices}", "{choice}"), "t.yaml"); });
  expect_error(ErrorKind::kConfig, {"max_epoch"},
               [] { parse_categories(table_with("max_epochs: 3", "max_epoch: 3"), "t.yaml"); });
  expect_error(ErrorKind::kConfig, {"name", "taken"}, [] {
    parse_categories(table_with("aliases: [sixg_bench]", "aliases: [teleqna]"), "t.yaml");
  });
  expect_error(ErrorKind::kConfig, {"formats.multiple-choice.parser", "boxed-number", "kind"}, [] {
    parse_categories(table_with("parser: inspect-legacy", "parser: boxed-number"), "t.yaml");
  });
  expect_error(ErrorKind::kConfig, {"other_parsers", "boxed-hard"}, [] {
    parse_categories(table_with("[boxed-cause-hard]", "[boxed-hard]"), "t.yaml");
  });
  expect_error(ErrorKind::kConfig, {"grouping", "class-cycle", "without classes"}, [] {
    parse_categories(table_with("grouping: similar-or-masked", "grouping: class-cycle"), "t.yaml");
  });
  expect_error(ErrorKind::kConfig, {"lite.rows", "1501"}, [] {
    parse_categories(table_with("{rows: 150, of_rows: 1500", "{rows: 1501, of_rows: 1500"),
                     "t.yaml");
  });
  expect_error(ErrorKind::kConfig, {"usual_options"},
               [] { parse_categories(table_with("    usual_options: 5\n", ""), "t.yaml"); });
  expect_error(ErrorKind::kConfig, {"source_fields", "task_idx"}, [] {
    parse_categories(table_with("source_fields: [task_id]", "source_fields: [task_idx]"), "t.yaml");
  });
}

TEST(Embedded, UnknownFileNamesTheNearest) {
  expect_error(ErrorKind::kUsage, {"configs/category.yaml", "configs/categories.yaml"},
               [] { embedded_file("configs/category.yaml"); });
}

}  // namespace
}  // namespace telora
