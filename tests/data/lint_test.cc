#include "data/lint.h"

#include <algorithm>
#include <map>

#include "data/reader.h"
#include "tests/data/support.h"

namespace telora {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

DataSet data_of(const std::vector<std::string>& lines, const Category& category) {
  DataSet data;
  data.examples = read_examples(lines, "rows", category);
  for (Example& example : data.examples) example.group = example.id;
  return data;
}

std::string letters(const std::string& question, const std::string& options, int answer) {
  return R"({"question": ")" + question + R"(", "choices": )" + options + R"(, "answer": )" +
         std::to_string(answer) + "}";
}

CategoryLint lint_letters(const std::vector<std::string>& lines) {
  const Category& category = find_category("oran-bench");
  return lint_category(category, data_of(lines, category), {.method = "py", .lite = std::nullopt});
}

TEST(Lint, BrokenRowsAreNamed) {
  const CategoryLint lint = lint_letters({
      letters("", R"(["a", "b"])", 0),
      letters(" ?!", R"(["a", "b"])", 0),
      letters("Which of the two is repeated here?", R"(["1. a", "2. A", "3. b"])", 2),
      letters("Which of the two is right here?", R"(["1. a", "2. b", "3. b"])", 2),
      letters("Is there any choice in this row?", R"(["a", "a"])", 1),
      letters("Open RAN", R"(["2", "-2"])", 1),
      letters("open ran!", R"(["a", "d"])", 1),
  });
  EXPECT_THAT(lint.empty_questions, ElementsAre(0, 1));
  EXPECT_THAT(lint.title_questions, ElementsAre(5, 6));
  EXPECT_THAT(lint.repeated_options, ElementsAre(2, 3, 4));
  EXPECT_THAT(lint.repeated_gold, ElementsAre(3, 4));
  EXPECT_THAT(lint.equal_options, ElementsAre(4));
  EXPECT_FALSE(lint.lite_rows);
}

TEST(Lint, ClustersCountRowsAndConflicts) {
  const CategoryLint lint = lint_letters({
      letters("Which node terminates the interface?", R"(["x", "y"])", 0),
      letters("which node terminates the interface", R"(["Y", "X"])", 1),
      letters("Which node terminates the interface?", R"(["x", "z"])", 1),
      letters("What is carried by the fronthaul link?", R"(["x", "y"])", 1),
      letters("How long is one frame of the radio?", R"(["1 ms", "10 ms"])", 1),
  });
  EXPECT_EQ(lint.same_question.rows, 3U);
  EXPECT_EQ(lint.same_question.clusters, 1U);
  EXPECT_EQ(lint.same_question.largest, 3U);
  EXPECT_EQ(lint.same_question.conflicting, 1U);
  EXPECT_EQ(lint.same_raw_question.rows, 2U);
  EXPECT_EQ(lint.same_item.rows, 2U);
  EXPECT_EQ(lint.same_item.conflicting, 0U);
  EXPECT_EQ(lint.same_options.rows, 3U);
  EXPECT_EQ(lint.same_options.clusters, 1U);
  EXPECT_EQ(lint.same_options.conflicting, 1U);
  EXPECT_THAT(lint.methods, ElementsAre("py", "hf", "sk"));
  EXPECT_THAT(lint.test_rows, SizeIs(3));
}

TEST(Lint, ClassesThatContradictEachOther) {
  const Category& category = find_category("3gpp-tsg");
  const auto row = [](const std::string& text, const std::string& label, int file) {
    return R"({"question": "Head ###TEXT:\n{)" + text + R"(}", "answer": ")" + label +
           R"(", "file_name": "f)" + std::to_string(file) + R"("})";
  };
  const DataSet data = data_of({row("handover of a session", "SA2", 1), row("paging", "RAN2", 2),
                                row("Handover of a session!", "CT1", 3), row("paging", "RAN2", 1),
                                row("charging", "SA5", 5)},
                               category);
  const CategoryLint lint =
      lint_category(category, data, {.method = "group", .lite = std::nullopt});
  EXPECT_THAT(lint.conflicts, ElementsAre(ElementsAre(0, 2)));
  EXPECT_EQ(lint.same_question.rows, 4U);
  EXPECT_EQ(lint.same_source.rows, 2U);
  EXPECT_THAT(lint.telling_fields, ElementsAre("file_name"));
  EXPECT_THAT(lint.methods, ElementsAre("py", "hf", "sk", "group"));
}

TEST(Lint, QuestionsOfSeveralCategoriesAreCountedOnce) {
  const Category& oran = find_category("oran-bench");
  const Category& srsran = find_category("srsran-bench");
  const DataSet first =
      data_of({letters("Q one?", R"(["a", "b"])", 0), letters("q ONE", R"(["a", "b"])", 0),
               letters("", R"(["a", "b"])", 0)},
              oran);
  const DataSet second =
      data_of({letters("Q one", R"(["a", "b"])", 0), letters("", R"(["a", "b"])", 0)}, srsran);
  EXPECT_EQ(shared_questions({{&oran, &first}, {&srsran, &second}}), 1U);
  EXPECT_EQ(shared_questions({{&oran, &first}}), 0U);
}

// The published rows. Leaks are by split py, hf, sk.
struct Known {
  const char* category;
  SharedRows question;
  size_t raw_rows, raw_clusters;
  size_t words;
  BySplit words_leaked;
  size_t characters;
  BySplit characters_leaked;
  BySplit group_leaked;
  size_t test_rows;
};

void PrintTo(const Known& known, std::ostream* out) { *out << known.category; }

const std::vector<Known>& known() {
  static const std::vector<Known> list = {
      {"teleqna", {84, 28, 26, 18}, 76, 25, 88, {9, 16, 10}, 201, {24, 26, 20}, {24, 26, 20}, 2000},
      {"6g-bench", {}, 0, 0, 0, {0, 0, 0}, 0, {0, 0, 0}, {729, 723, 726}, 745},
      {"3gpp-tsg", {18, 9, 2, 1}, 18, 9, 32, {3, 5, 3}, 45, {3, 7, 6}, {5, 11, 9}, 400},
      {"oran-bench", {57, 22, 7, 19}, 55, 21, 59, {6, 10, 8}, 104, {16, 17, 16}, {16, 18, 16}, 300},
      {"srsran-bench",
       {194, 66, 44, 58},
       176,
       57,
       194,
       {33, 30, 39},
       345,
       {53, 56, 54},
       {53, 57, 56},
       301},
      {"teletables", {2, 1, 2, 0}, 2, 1, 2, {0, 1, 0}, 6, {0, 1, 1}, {38, 32, 29}, 100},
      {"telelogs", {}, 0, 0, 354, {54, 59, 58}, 822, {161, 163, 163}, {173, 173, 173}, 173},
      {"telemath", {}, 0, 0, 22, {4, 3, 4}, 159, {27, 29, 23}, {27, 29, 24}, 100},
  };
  return list;
}

const CategoryLint& published(const std::string& name) {
  static std::map<std::string, CategoryLint> made;
  const auto found = made.find(name);
  if (found != made.end()) return found->second;
  const Category& category = find_category(name);
  const DataSet data = load_category({false, *testing::published_folder()}, category);
  const LintRequest request{.method = "group", .lite = std::nullopt};
  return made.emplace(name, lint_category(category, data, request)).first->second;
}

BySplit first_three(const BySplit& counts) { return {counts.begin(), counts.begin() + 3}; }

class PublishedLint : public ::testing::TestWithParam<Known> {
 protected:
  void SetUp() override { TELORA_REQUIRE_PUBLISHED_DATA(); }
};

TEST_P(PublishedLint, DuplicateTable) {
  const Known& want = GetParam();
  const CategoryLint& lint = published(want.category);
  EXPECT_EQ(lint.same_question.rows, want.question.rows);
  EXPECT_EQ(lint.same_question.clusters, want.question.clusters);
  EXPECT_EQ(lint.same_question.largest, want.question.largest);
  EXPECT_EQ(lint.same_question.conflicting, want.question.conflicting);
  EXPECT_EQ(lint.same_raw_question.rows, want.raw_rows);
  EXPECT_EQ(lint.same_raw_question.clusters, want.raw_clusters);
  EXPECT_EQ(lint.near_words.rows, want.words);
  EXPECT_EQ(first_three(lint.near_words.leaked), want.words_leaked);
  EXPECT_EQ(lint.near_characters.rows, want.characters);
  EXPECT_EQ(first_three(lint.near_characters.leaked), want.characters_leaked);
}

TEST_P(PublishedLint, GroupTable) {
  const CategoryLint& lint = published(GetParam().category);
  EXPECT_EQ(first_three(lint.group_leaks), GetParam().group_leaked);
  EXPECT_EQ(lint.group_leaks.at(3), 0U);
  EXPECT_EQ(lint.item_leaks.at(3), 0U);
  EXPECT_EQ(lint.test_rows.at(0), GetParam().test_rows);
}

TEST(PublishedFindings, GroupsAndWhatTheyAreWorth) {
  TELORA_REQUIRE_PUBLISHED_DATA();
  struct Groups {
    const char* category;
    size_t groups, largest;
    double worth;
  };
  for (const Groups& want : {Groups{"teleqna", 9884, 26, 9215},
                             {"6g-bench", 488, 21, 371},
                             {"3gpp-tsg", 1964, 5, 1912},
                             {"oran-bench", 1432, 8, 1273},
                             {"srsran-bench", 1287, 44, 581},
                             {"teletables", 371, 5, 293},
                             {"telelogs", 108, 8, 108},
                             {"telemath", 405, 9, 318}}) {
    SCOPED_TRACE(want.category);
    const CategoryLint& lint = published(want.category);
    EXPECT_EQ(lint.groups, want.groups);
    EXPECT_EQ(lint.largest_group, want.largest);
    EXPECT_NEAR(lint.effective_rows, want.worth, 0.5);
  }
}

INSTANTIATE_TEST_SUITE_P(Categories, PublishedLint, ::testing::ValuesIn(known()),
                         [](const auto& info) {
                           std::string name = info.param.category;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(PublishedFindings, QuestionAndAnswerInTraining) {
  TELORA_REQUIRE_PUBLISHED_DATA();
  EXPECT_THAT(first_three(published("srsran-bench").answer_leaks), ElementsAre(16, 11, 16));
  EXPECT_THAT(first_three(published("teleqna").answer_leaks), ElementsAre(2, 4, 3));
  EXPECT_THAT(first_three(published("oran-bench").answer_leaks), ElementsAre(2, 1, 1));
}

TEST(PublishedFindings, ItemsAndOptions) {
  TELORA_REQUIRE_PUBLISHED_DATA();
  EXPECT_EQ(published("teleqna").near_items.rows, 82U);
  EXPECT_EQ(published("srsran-bench").near_items.rows, 21U);
  EXPECT_EQ(published("oran-bench").near_items.rows, 4U);
  EXPECT_EQ(published("6g-bench").near_items.rows, 0U);
  EXPECT_EQ(published("teletables").near_items.rows, 0U);
  EXPECT_EQ(published("teleqna").same_item.clusters, 3U);
  EXPECT_EQ(published("teleqna").same_item.rows, 6U);
  EXPECT_EQ(published("srsran-bench").same_item.clusters, 9U);
  EXPECT_EQ(published("srsran-bench").same_item.rows, 19U);
  EXPECT_EQ(published("oran-bench").same_item.rows, 0U);
  EXPECT_EQ(published("teleqna").same_options.rows, 966U);
  EXPECT_EQ(published("teleqna").same_options.clusters, 387U);
  EXPECT_EQ(published("teleqna").same_options.conflicting, 349U);
  EXPECT_EQ(published("teleqna").option_leaks.at(0), 147U);
}

TEST(PublishedFindings, SourcesAndTemplates) {
  TELORA_REQUIRE_PUBLISHED_DATA();
  const CategoryLint& groups = published("3gpp-tsg");
  EXPECT_EQ(groups.same_source.rows, 24U);
  EXPECT_EQ(groups.same_source.clusters, 12U);
  EXPECT_THAT(first_three(groups.source_leaks), ElementsAre(3, 4, 4));
  EXPECT_THAT(groups.conflicts, ElementsAre(ElementsAre(100, 1904)));
  const CategoryLint& math = published("telemath");
  EXPECT_EQ(math.templates, 450U);
  EXPECT_EQ(math.same_template.rows, 88U);
  EXPECT_EQ(math.same_template.largest, 5U);
  EXPECT_EQ(math.near_pairs, 136U);  // 135 where letters and digits are those of ASCII only
  EXPECT_EQ(math.near_pairs_same_answer, 11U);
  EXPECT_TRUE(published("telelogs").answers_follow_rows);
  EXPECT_FALSE(groups.answers_follow_rows);
}

TEST(PublishedFindings, BrokenRows) {
  TELORA_REQUIRE_PUBLISHED_DATA();
  EXPECT_THAT(published("oran-bench").empty_questions, SizeIs(3));
  EXPECT_THAT(published("teleqna").title_questions, SizeIs(26));
  EXPECT_THAT(published("teleqna").repeated_options, SizeIs(18));
  EXPECT_THAT(published("teleqna").repeated_gold, SizeIs(4));
  EXPECT_THAT(published("oran-bench").repeated_options, SizeIs(1));
  EXPECT_THAT(published("oran-bench").repeated_gold, SizeIs(1));
  EXPECT_THAT(published("srsran-bench").repeated_options, SizeIs(31));
  EXPECT_THAT(published("srsran-bench").repeated_gold, SizeIs(27));
  EXPECT_THAT(published("srsran-bench").equal_options, SizeIs(15));
  EXPECT_THAT(published("teletables").repeated_gold, SizeIs(3));
  EXPECT_THAT(published("6g-bench").repeated_options, IsEmpty());
}

// Rows of the small files in training, where their draw is known.
TEST(PublishedFindings, LiteRowsInTraining) {
  TELORA_REQUIRE_PUBLISHED_DATA();
  EXPECT_THAT(first_three(published("oran-bench").lite_in_training),
              ElementsAre(93, 0, ::testing::_));
  EXPECT_THAT(first_three(published("srsran-bench").lite_in_training),
              ElementsAre(87, 2, ::testing::_));
  EXPECT_FALSE(published("teleqna").lite_rows);
}

TEST(PublishedFindings, NoQuestionIsSharedByCategories) {
  TELORA_REQUIRE_PUBLISHED_DATA();
  std::vector<DataSet> data;
  for (const Category& category : categories()) {
    data.push_back(load_category({false, *testing::published_folder()}, category));
  }
  std::vector<std::pair<const Category*, const DataSet*>> sets;
  for (size_t i = 0; i < data.size(); ++i) sets.emplace_back(&categories()[i], &data[i]);
  EXPECT_EQ(shared_questions(sets), 0U);
}

}  // namespace
}  // namespace telora
