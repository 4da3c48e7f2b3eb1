// The published data set against what is known of it. Skipped where it is absent.
#include <algorithm>
#include <ctime>
#include <map>

#include "core/text.h"
#include "data/import.h"
#include "data/prompt.h"
#include "data/source.h"
#include "data/split.h"
#include "tests/data/support.h"

namespace telora {
namespace {

struct Known {
  const char* category;
  size_t rows;
  size_t groups;
  size_t largest_group;
  size_t median_characters;  // of the rendered prompt
  size_t max_characters;
  size_t leaked_py, leaked_hf, leaked_sk;  // test rows whose group is in training, seed 42
};

constexpr Known kKnown[] = {
    {"teleqna", 10'000, 9'884, 26, 460, 2'024, 24, 26, 20},
    {"6g-bench", 3'722, 488, 21, 1'830, 2'601, 729, 723, 726},
    {"3gpp-tsg", 2'000, 1'964, 5, 2'093, 8'129, 5, 11, 9},
    {"oran-bench", 1'500, 1'432, 8, 450, 1'018, 16, 18, 16},
    {"srsran-bench", 1'502, 1'287, 44, 466, 734, 53, 57, 56},
    {"teletables", 500, 371, 5, 355, 804, 38, 32, 29},
    {"telelogs", 864, 108, 8, 4'449, 4'999, 173, 173, 173},
    {"telemath", 500, 405, 9, 275, 973, 27, 29, 24},
};

void PrintTo(const Known& known, std::ostream* out) {
  *out << known.category;
}  // names the test, always alike

class PublishedData : public ::testing::TestWithParam<Known> {
 protected:
  void SetUp() override {
    TELORA_REQUIRE_PUBLISHED_DATA();
    data_ = load_category({false, *testing::published_folder()}, category());
  }
  const Category& category() const { return find_category(GetParam().category); }
  DataSet data_;
};

TEST_P(PublishedData, RowsAndGroups) {
  std::map<std::string, size_t> sizes;
  for (const Example& example : data_.examples) ++sizes[example.group];
  EXPECT_EQ(data_.examples.size(), GetParam().rows);
  EXPECT_EQ(sizes.size(), GetParam().groups);
  size_t largest = 0;
  for (const auto& [group, size] : sizes) largest = std::max(largest, size);
  EXPECT_EQ(largest, GetParam().largest_group);
}

TEST_P(PublishedData, PromptLengths) {
  std::vector<size_t> lengths;
  for (const Example& example : data_.examples) {
    lengths.push_back(count_code_points(make_prompt(category(), example).user));
  }
  std::ranges::sort(lengths);
  const size_t count = lengths.size();
  EXPECT_EQ((lengths[(count - 1) / 2] + lengths[count / 2]) / 2, GetParam().median_characters);
  EXPECT_EQ(lengths.back(), GetParam().max_characters);
}

TEST_P(PublishedData, LeakOfTheSplitsThatIgnoreGroups) {
  const auto leaked = [&](const char* method) {
    return leaked_test_rows(make_split(data_.examples, category(), method, 42), data_.examples);
  };
  EXPECT_EQ(leaked("py"), GetParam().leaked_py);
  EXPECT_EQ(leaked("hf"), GetParam().leaked_hf);
  EXPECT_EQ(leaked("sk"), GetParam().leaked_sk);
}

TEST_P(PublishedData, GroupSplitLeaksNothingAndKeepsTheShares) {
  const Split split = make_split(data_.examples, category(), "group", 42);
  EXPECT_EQ(leaked_test_rows(split, data_.examples), 0U);
  const size_t count = data_.examples.size();
  // Where all groups are of one size, whole groups need not fill a part to the last row.
  const double slack = GetParam().groups * GetParam().largest_group == count
                           ? static_cast<double>(GetParam().largest_group)
                           : 0;
  const auto rows = [](size_t size) { return static_cast<double>(size); };
  EXPECT_NEAR(rows(split.train.size()), rows(count * 3 / 5), slack);
  EXPECT_NEAR(rows(split.validation.size()), rows(count * 4 / 5 - count * 3 / 5), slack);
  EXPECT_NEAR(rows(split.test.size()), rows(count - count * 4 / 5), slack);
}

INSTANTIATE_TEST_SUITE_P(Categories, PublishedData, ::testing::ValuesIn(kKnown),
                         [](const auto& info) {
                           std::string name = info.param.category;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(PublishedFolder, IsImportedAndVerified) {
  TELORA_REQUIRE_PUBLISHED_DATA();
  const testing::TemporaryFolder target;
  const ImportSummary summary = import_folder(*testing::published_folder(), target.path());
  EXPECT_EQ(summary.files.size(), 8U);
  EXPECT_TRUE(summary.absent.empty());
  for (const ImportedFile& file : summary.files) EXPECT_TRUE(file.verified) << file.category;
  EXPECT_EQ(load_category({false, target.path()}, find_category("teletables")).examples.size(),
            500U);
}

TEST(PublishedFolder, LargestCategoryLoadsInFiveSeconds) {
  TELORA_REQUIRE_PUBLISHED_DATA();
  const std::clock_t start = std::clock();  // processor time: others may be using the machine
  load_category({false, *testing::published_folder()}, find_category("teleqna"));
  EXPECT_LT(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC, 5.0);
}

}  // namespace
}  // namespace telora
