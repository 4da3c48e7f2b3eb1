#include "data/lite.h"

#include <algorithm>

#include "data/reader.h"
#include "data/reference_random.h"
#include "data/split.h"
#include "tests/data/support.h"

namespace telora {
namespace {

using ::testing::ElementsAre;
using testing::expect_error;
using testing::TemporaryFolder;

std::string line(const std::string& question, const std::string& second = "b") {
  return R"({"question": ")" + question + R"(", "choices": ["a", ")" + second +
         R"("], "answer": 0})" + "\n";
}

const Category& teleqna() { return find_category("teleqna"); }

TEST(Lite, RowsAreFoundByQuestionAndOptions) {
  const std::vector<Example> full = read_examples(
      {line("Q one"), line("same", "x"), line("same", "y"), line("Q four")}, "full", teleqna());
  const TemporaryFolder folder;
  folder.write("teleqna.jsonl", line("Q  four") + line("same", "y") + line("Qone"));
  const auto lists = published_lite_rows(teleqna(), full, folder.path());
  EXPECT_THAT(lists, ElementsAre(ElementsAre(3), ElementsAre(2), ElementsAre(0)));
  EXPECT_THAT(all_rows(lists), ElementsAre(0, 2, 3));
  // No row with these options: every row that asks it.
  folder.write("teleqna.jsonl", line("same", "z"));
  EXPECT_THAT(all_rows(published_lite_rows(teleqna(), full, folder.path())), ElementsAre(1, 2));
}

TEST(Lite, UnknownRowsAndFoldersAreErrors) {
  const std::vector<Example> full = read_examples({line("Q one")}, "full", teleqna());
  const TemporaryFolder folder;
  expect_error(ErrorKind::kMissing, {"teleqna", "--lite DIR"},
               [&] { published_lite_rows(teleqna(), full, std::nullopt); });
  expect_error(ErrorKind::kMissing, {folder.path().string(), "teleqna.jsonl.gz"},
               [&] { published_lite_rows(teleqna(), full, folder.path()); });
  folder.write("teleqna.jsonl", line("Q one") + line("Q two"));
  expect_error(ErrorKind::kData, {"teleqna/1", "question"},
               [&] { published_lite_rows(teleqna(), full, folder.path()); });
}

TEST(Lite, GroupSplitTrainsOnNoRowThatIsKnown) {
  const Category& category = find_category("oran-bench");
  std::vector<Example> rows(1500);
  for (size_t i = 0; i < rows.size(); ++i) {
    rows[i].question = "Q" + std::to_string(i);
    rows[i].group = "group " + std::to_string(i / 2);
  }
  const std::vector<size_t> lite = all_rows(published_lite_rows(category, rows, std::nullopt));
  const Split split = make_split(rows, category, "group", 42);
  EXPECT_EQ(split.test.size(), 300U);
  EXPECT_TRUE(std::ranges::includes(split.test, lite));
  EXPECT_FALSE(std::ranges::includes(make_split(rows, category, "py", 42).test, lite));
}

TEST(Lite, KnownDrawNeedsNoFolder) {
  const Category& category = find_category("oran-bench");
  std::vector<Example> rows(1500);
  for (size_t i = 0; i < rows.size(); ++i) rows[i].question = "Q" + std::to_string(i);
  EXPECT_TRUE(knows_lite_draw(category, rows));
  const std::vector<size_t> lite = all_rows(published_lite_rows(category, rows, std::nullopt));
  ASSERT_EQ(lite.size(), 150U);
  EXPECT_TRUE(std::ranges::is_sorted(lite));
  const std::vector<size_t> order = numpy_permutation(1500, 42);
  EXPECT_TRUE(std::ranges::binary_search(lite, order[149]));
  EXPECT_FALSE(std::ranges::binary_search(lite, order[150]));
  rows.pop_back();  // another file: how its small one was drawn is not known
  EXPECT_FALSE(knows_lite_draw(category, rows));
  EXPECT_THROW(published_lite_rows(category, rows, std::nullopt), Error);
}

}  // namespace
}  // namespace telora
