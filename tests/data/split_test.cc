#include "data/split.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/digest.h"
#include "tests/data/support.h"

namespace telora {
namespace {

using testing::expect_error;

std::vector<Example> rows(size_t count, size_t group_size = 1) {
  std::vector<Example> examples(count);
  for (size_t i = 0; i < count; ++i) examples[i].group = std::to_string(i / group_size);
  return examples;
}

Split split(size_t count, const std::string& method, uint64_t seed = 42) {
  return make_split(rows(count), find_category("teleqna"), method, seed);
}

std::string digest(const std::vector<size_t>& part) {
  return sha256(fmt::format("{}", fmt::join(part, " "))).substr(0, 16);
}

std::string first_eight(const std::vector<size_t>& part) {
  return fmt::format("{}", fmt::join(part.begin(), part.begin() + 8, " "));
}

void expect_partition(const Split& split, size_t count) {
  std::set<size_t> all;
  for (const auto* part : {&split.train, &split.validation, &split.test}) {
    all.insert(part->begin(), part->end());
  }
  EXPECT_EQ(all.size(), count);
  EXPECT_EQ(split.train.size() + split.validation.size() + split.test.size(), count);
  EXPECT_EQ(*all.rbegin(), count - 1);
}

struct Published {
  const char* method;
  size_t count;
  const char* train;
  const char* validation;
  const char* test;
};

// The first eight rows of each part for seed 42, from CPython 3.11 and NumPy 1.24.
constexpr Published kPublished[] = {
    {"py", 500, "164 383 45 156 53 72 315 209", "122 157 355 330 9 250 165 306",
     "36 331 349 470 136 343 107 181"},
    {"sk", 500, "467 83 245 165 163 199 228 74", "104 440 479 266 132 253 9 323",
     "347 388 475 405 126 281 391 37"},
    {"hf", 500, "345 3 337 498 404 419 262 226", "202 321 466 373 411 185 162 415",
     "370 376 479 397 55 428 180 147"},
    {"py", 3722, "65 929 392 2866 3378 1290 351 1840", "607 3074 2981 301 2308 2008 3175 1746",
     "1568 947 617 3563 330 2212 1309 1375"},
    {"sk", 3722, "2912 2008 2880 2632 2620 2757 3400 1988",
     "3268 450 3374 2877 2626 3018 2587 2754", "2322 2819 2739 1281 1882 2216 3281 2127"},
    {"hf", 3722, "3118 258 1847 2270 1209 3686 3140 3306", "3385 352 2369 1430 1059 3522 1468 1306",
     "1048 1391 2800 3031 2025 370 1806 3233"},
};

TEST(Split, EqualsThePublishedIndices) {
  for (const Published& want : kPublished) {
    const Split got = split(want.count, want.method);
    EXPECT_EQ(first_eight(got.train), want.train) << want.method;
    EXPECT_EQ(first_eight(got.validation), want.validation) << want.method;
    EXPECT_EQ(first_eight(got.test), want.test) << want.method;
    expect_partition(got, want.count);
  }
}

struct Sklearn {
  size_t count;
  uint64_t seed;
  const char* train;
  const char* validation;
  const char* test;
};

// Digests (as in reference_random_test.cc) of scikit-learn 1.3.2: train_test_split(rows,
// test_size=0.4), then train_test_split(held_out, test_size=0.5), both with random_state=seed.
constexpr Sklearn kSklearn[] = {
    {5, 42, "11cf6e0bc63833ed", "6b86b273ff34fce1", "4b227777d4dd1fc6"},
    {5, 7, "bdde8cab7187d5e5", "4e07408562bedb8b", "5feceb66ffc86f38"},
    {7, 42, "ef2fda8f2b4de8bf", "ef2d127de37b942b", "5cc3a6551605a0b4"},
    {7, 7, "6a2542329b545233", "d4735e3a265e16ee", "782f44d2087f7122"},
    {300, 42, "d1dad0aec8fbf7a5", "4d1e1285c7613fec", "e82d5b08c9dccd21"},
    {300, 7, "a54eed47df5167ae", "8d2e0da2e922c059", "ba384da66456fc3d"},
    {1502, 42, "51f8f3bf84eccb78", "76c95a368f00c2ff", "4aa985ae60a443b2"},
    {1502, 7, "8c05fa752e2cd13f", "df8e61fbe736733f", "00577e9b3e7a6418"},
    {3722, 42, "747f496d718d068e", "13f6cc0485d39fd5", "3955d32980bfd29d"},
    {3722, 7, "8ad9df9e4085f88a", "736deb3a5a12c098", "4b007cec89a426e8"},
    {9999, 42, "a11306027b950894", "85c63310a1bd48a2", "0dfc39df8567c654"},
    {9999, 7, "fdf4d66bed44d3dc", "4978d734f70a4902", "ad97792b2e926b5b"},
};

TEST(Split, EqualsScikitLearn) {
  for (const Sklearn& want : kSklearn) {
    const Split got = split(want.count, "sk", want.seed);
    EXPECT_EQ(digest(got.train), want.train) << want.count;
    EXPECT_EQ(digest(got.validation), want.validation) << want.count;
    EXPECT_EQ(digest(got.test), want.test) << want.count;
  }
}

TEST(Split, PartSizes) {
  for (const std::string& method : split_methods()) {
    const Split got = split(1502, method);
    EXPECT_EQ(got.train.size(), 901U) << method;
    EXPECT_EQ(got.test.size(), 301U) << method;
    expect_partition(got, 1502);
    expect_partition(split(5, method), 5);
  }
}

TEST(Split, GroupMethodKeepsGroupsTogether) {
  const std::vector<Example> examples = rows(1000, 7);
  const Split got = make_split(examples, find_category("teleqna"), "group", 42);
  expect_partition(got, 1000);
  std::map<std::string, std::set<int>> parts_of;
  int number = 0;
  for (const auto* part : {&got.train, &got.validation, &got.test}) {
    for (const size_t row : *part) parts_of[examples[row].group].insert(number);
    ++number;
  }
  for (const auto& [group, parts] : parts_of) EXPECT_EQ(parts.size(), 1U) << group;
  EXPECT_EQ(leaked_test_rows(got, examples), 0U);
  EXPECT_NEAR(static_cast<double>(got.train.size()), 600, 7);
  EXPECT_NEAR(static_cast<double>(got.test.size()), 200, 7);
}

TEST(Split, GroupMethodFollowsTheDigestOrder) {
  const std::vector<Example> examples = rows(10);
  std::vector<std::pair<std::string, size_t>> order;
  for (size_t i = 0; i < 10; ++i) order.emplace_back(sha256(fmt::format("7:teleqna:{}", i)), i);
  std::ranges::sort(order);
  std::vector<size_t> train;
  for (size_t i = 0; i < 6; ++i) train.push_back(order[i].second);
  std::ranges::sort(train);
  EXPECT_EQ(make_split(examples, find_category("teleqna"), "group", 7).train, train);
}

TEST(Split, GroupTooLargeForAnyPartGoesWhereTheMostRoomIs) {
  const Split got = make_split(rows(10, 10), find_category("teleqna"), "group", 42);
  EXPECT_EQ(got.train.size(), 10U);
}

TEST(Split, GroupMethodDoesNotDependOnTheOrderOfRows) {
  std::vector<Example> examples = rows(200, 3);
  const Category& category = find_category("teleqna");
  const auto test_groups = [&] {
    std::set<std::string> groups;
    for (const size_t row : make_split(examples, category, "group", 42).test) {
      groups.insert(examples[row].group);
    }
    return groups;
  };
  const std::set<std::string> before = test_groups();
  std::ranges::reverse(examples);
  EXPECT_EQ(test_groups(), before);
}

TEST(Split, SeedAndCategoryMatter) {
  EXPECT_NE(split(100, "group", 1).train, split(100, "group", 2).train);
  EXPECT_NE(split_digest(split(100, "group", 1)), split_digest(split(100, "group", 2)));
  EXPECT_NE(make_split(rows(100), find_category("teletables"), "group", 1).train,
            split(100, "group", 1).train);
}

TEST(Split, HeldOutGroupsGoToTestFirst) {
  const std::vector<Example> examples = rows(1000, 4);
  const std::vector<size_t> held_out = {1, 2, 401, 999};
  const Category& category = find_category("teleqna");
  const Split got = make_split(examples, category, "group", 42, held_out);
  expect_partition(got, 1000);
  EXPECT_EQ(leaked_test_rows(got, examples), 0U);
  for (const size_t row : {0, 1, 2, 3, 400, 401, 402, 403, 996, 997, 998, 999}) {
    EXPECT_TRUE(std::ranges::binary_search(got.test, row)) << row;
  }
  EXPECT_EQ(got.train.size(), 600U);
  EXPECT_EQ(got.test.size(), 200U);  // they are part of its share
}

TEST(Split, MoreHeldOutRowsThanTestHasRoomForAllGoThere) {
  std::vector<size_t> held_out(400);
  for (size_t i = 0; i < held_out.size(); ++i) held_out[i] = i;
  const Split got = make_split(rows(1000), find_category("teleqna"), "group", 42, held_out);
  EXPECT_EQ(got.test.size(), 400U);
  EXPECT_EQ(got.train.size(), 600U);
  EXPECT_TRUE(got.validation.empty());
}

TEST(Split, OtherMethodsLeaveHeldOutRowsOut) {
  for (const std::string method : {"py", "sk", "hf"}) {
    const Split plain = split(500, method);
    const std::vector<size_t> held_out = {plain.train[3], plain.validation[0], plain.test[7]};
    const Split got = make_split(rows(500), find_category("teleqna"), method, 42, held_out);
    EXPECT_EQ(got.test, plain.test) << method;
    EXPECT_EQ(got.train.size(), plain.train.size() - 1) << method;
    EXPECT_EQ(got.validation.size(), plain.validation.size() - 1) << method;
    EXPECT_EQ(got.train[3], plain.train[4]) << method;
  }
}

TEST(Split, HoldingNothingOutChangesNothing) {
  for (const std::string& method : split_methods()) {
    const Split held = make_split(rows(300, 3), find_category("teleqna"), method, 42, {});
    EXPECT_EQ(split_digest(held),
              split_digest(make_split(rows(300, 3), find_category("teleqna"), method, 42)));
  }
  // Of 300 groups of one row, as they were before rows could be held out.
  EXPECT_EQ(split_digest(split(300, "group")).substr(0, 16), "e79e91f6d04702f2");
}

TEST(Split, WrongRequestsAreRefused) {
  std::vector<size_t> all(10);
  for (size_t i = 0; i < all.size(); ++i) all[i] = i;
  expect_error(ErrorKind::kData, {"no training row", "hold out fewer"},
               [&] { make_split(rows(10), find_category("teleqna"), "group", 42, all); });
  expect_error(ErrorKind::kUsage, {"grup", "group, sk, py, hf", "did you mean group?"},
               [] { split(100, "grup"); });
  expect_error(ErrorKind::kUsage, {"4294967296", "sk"}, [] { split(100, "sk", 4294967296); });
  expect_error(ErrorKind::kData, {"4 rows", "at least 5"}, [] { split(4, "py"); });
}

}  // namespace
}  // namespace telora
