#include "data/split.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <unordered_set>
#include <utility>

#include "core/digest.h"
#include "core/error.h"
#include "core/text.h"
#include "data/lite.h"
#include "data/reference_random.h"

namespace telora {

namespace {

using Indices = std::vector<size_t>;

constexpr size_t kMinRows = 5;  // below, a part would be empty

Indices take(const Indices& from, const Indices& positions, size_t begin, size_t end) {
  Indices out;
  for (size_t i = begin; i < end; ++i) out.push_back(from[positions[i]]);
  return out;
}

void split_python(size_t count, uint64_t seed, Split& split) {
  const Indices order = python_shuffle(count, seed);
  const auto first = order.begin() + static_cast<std::ptrdiff_t>(count * 3 / 5);
  const auto second = order.begin() + static_cast<std::ptrdiff_t>(count * 4 / 5);
  split.train = Indices(order.begin(), first);
  split.validation = Indices(first, second);
  split.test = Indices(second, order.end());
}

// Both libraries give the front of a permutation to the held-out side and round that side up.
template <typename Permutation>
void split_twice(size_t count, Permutation permutation, Split& split) {
  const Indices order = permutation(count);
  const size_t held_out = count - count * 3 / 5;
  split.train = Indices(order.begin() + static_cast<std::ptrdiff_t>(held_out), order.end());
  const Indices again = permutation(held_out);
  const size_t test = held_out - held_out / 2;
  split.test = take(order, again, 0, test);
  split.validation = take(order, again, test, held_out);
}

void split_sklearn(size_t count, uint64_t seed, Split& split) {
  if (seed > std::numeric_limits<uint32_t>::max()) {
    fail(ErrorKind::kUsage, {.file = {}, .field = "split seed"}, std::to_string(seed),
         "at most 4294967295 for method sk");
  }
  const auto word = static_cast<uint32_t>(seed);
  split_twice(
      count, [&](size_t n) { return numpy_legacy_permutation(n, word); }, split);
}

// Rows of each group, by the digest that orders groups.
std::map<std::string, Indices> groups_in_order(const std::vector<Example>& examples,
                                               const Category& category, uint64_t seed) {
  std::map<std::string, Indices> groups;
  for (size_t i = 0; i < examples.size(); ++i) {
    if (examples[i].group.empty()) {
      throw Error(ErrorKind::kInternal, fmt::format("{} has no group", examples[i].id));
    }
    groups[sha256(fmt::format("{}:{}:{}", seed, category.name, examples[i].group))].push_back(i);
  }
  return groups;
}

size_t choose_part(const std::array<int64_t, 3>& room, int64_t size) {
  const auto fits = std::ranges::find_if(room, [&](int64_t left) { return left >= size; });
  const auto chosen = fits != room.end() ? fits : std::ranges::max_element(room);
  return static_cast<size_t>(chosen - room.begin());
}

void split_groups(const std::vector<Example>& examples, const Category& category,
                  const std::unordered_set<size_t>& held_out, Split& split) {
  const auto count = static_cast<int64_t>(examples.size());
  const int64_t first = count * 3 / 5;
  const int64_t second = count * 4 / 5;
  std::array<int64_t, 3> room = {first, second - first, count - second};
  const std::array<Indices*, 3> parts = {&split.train, &split.validation, &split.test};
  std::map<std::string, Indices> groups = groups_in_order(examples, category, split.seed);
  std::erase_if(groups, [&](const auto& group) {
    const Indices& rows = group.second;
    const bool to_test = std::ranges::any_of(rows, [&](size_t i) { return held_out.contains(i); });
    if (!to_test) return false;
    split.test.insert(split.test.end(), rows.begin(), rows.end());
    room[2] -= static_cast<int64_t>(rows.size());
    return true;
  });
  for (const auto& [digest, rows] : groups) {
    const size_t part = choose_part(room, static_cast<int64_t>(rows.size()));
    parts[part]->insert(parts[part]->end(), rows.begin(), rows.end());
    room[part] -= static_cast<int64_t>(rows.size());
  }
  for (Indices* part : parts) std::ranges::sort(*part);
}

void leave_out(const std::unordered_set<size_t>& held_out, Split& split) {
  for (Indices* part : {&split.train, &split.validation}) {
    std::erase_if(*part, [&](size_t row) { return held_out.contains(row); });
  }
}

}  // namespace

const std::vector<std::string>& split_methods() {
  static const std::vector<std::string> names = {"group", "sk", "py", "hf"};
  return names;
}

Split make_split(const std::vector<Example>& examples, const Category& category,
                 std::string_view method, uint64_t seed, const std::vector<size_t>& held_out) {
  std::unordered_set<size_t> outside(held_out.begin(), held_out.end());
  Split split{
      .train = {}, .validation = {}, .test = {}, .method = std::string(method), .seed = seed};
  const size_t count = examples.size();
  if (count < kMinRows) {
    fail(ErrorKind::kData, {.file = category.name, .field = "rows"}, fmt::format("{} rows", count),
         fmt::format("at least {} to split", kMinRows));
  }
  if (method == "group") {
    if (knows_lite_draw(category, examples)) {
      const auto lite = all_rows(published_lite_rows(category, examples, std::nullopt));
      outside.insert(lite.begin(), lite.end());
    }
    split_groups(examples, category, outside, split);
  } else if (method == "py") {
    split_python(count, seed, split);
  } else if (method == "sk") {
    split_sklearn(count, seed, split);
  } else if (method == "hf") {
    split_twice(
        count, [&](size_t n) { return numpy_permutation(n, seed); }, split);
  } else {
    const std::string near = nearest(method, split_methods());
    fail(ErrorKind::kUsage, {.file = {}, .field = "split method"}, printable(method, 60),
         fmt::format("one of {}", fmt::join(split_methods(), ", ")),
         near.empty() ? "" : fmt::format("did you mean {}?", near));
  }
  leave_out(outside, split);
  if (split.train.empty()) {
    fail(ErrorKind::kData, {.file = category.name, .field = "split"}, "no training row",
         "at least one", "hold out fewer rows");
  }
  return split;
}

const std::vector<size_t>& part_of(const Split& split, std::string_view name) {
  if (name == "train") return split.train;
  if (name == "validation") return split.validation;
  if (name == "test") return split.test;
  fail(ErrorKind::kUsage, {.file = "--split", .field = {}}, printable(name, 40),
       "train, validation or test");
}

std::vector<Example> examples_at(const std::vector<Example>& examples,
                                 const std::vector<size_t>& indices) {
  std::vector<Example> chosen;
  chosen.reserve(indices.size());
  for (const size_t index : indices) chosen.push_back(examples[index]);
  return chosen;
}

size_t leaked_test_rows(const Split& split, const std::vector<Example>& examples) {
  std::unordered_set<std::string_view> trained;
  for (const size_t row : split.train) trained.insert(examples.at(row).group);
  return static_cast<size_t>(std::ranges::count_if(
      split.test, [&](size_t row) { return trained.contains(examples.at(row).group); }));
}

std::string split_digest(const Split& split) {
  return sha256(fmt::format("train {}\nvalidation {}\ntest {}\n", fmt::join(split.train, " "),
                            fmt::join(split.validation, " "), fmt::join(split.test, " ")));
}

}  // namespace telora
