#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/category.h"
#include "data/example.h"

namespace telora {

inline constexpr uint64_t kDefaultSplitSeed = 42;
inline constexpr std::string_view kDefaultSplitMethod = "group";

// Three disjoint parts, 60/20/20, as indices into the examples that were split.
struct Split {
  std::vector<size_t> train, validation, test;
  std::string method;
  uint64_t seed = kDefaultSplitSeed;
};

const std::vector<std::string>& split_methods();  // group, sk, py, hf

// group  never separates rows of one Example::group. Groups are taken in the order of the SHA-256
// of
//        "seed:category:group". Train has room for ⌊3n/5⌋ rows, train and validation together for
//        ⌊4n/5⌋, test for the rest; a group goes to the first of train, validation, test with room
//        for the whole of it, or, where none has, to the one with the most room (the first of
//        equals). Indices ascend within a part. Rows of the published small file, where its draw
//        is known (knows_lite_draw), are held out like those of `held_out`.
// py     CPython's random.shuffle, cut at ⌊3n/5⌋ and ⌊4n/5⌋.
// sk     scikit-learn's train_test_split twice: 40 % held out, then one half of that for test.
// hf     the same two steps of Hugging Face datasets.
// The last three ignore groups and keep the drawn order; sk takes seeds below 2^32 only.
// No row of `held_out` (indices into the examples) is in train or validation: method group gives
// the groups of these rows to test before any other, whatever the room; the other methods draw as
// ever and then leave these rows out of train and validation. Throws Error(usage) for an unknown
// method or such a seed, Error(data) below 5 rows or where nothing is left to train on.
Split make_split(const std::vector<Example>& examples, const Category& category,
                 std::string_view method, uint64_t seed, const std::vector<size_t>& held_out = {});

// The rows of a part by its name. Throws Error(usage) for others than train, validation and test.
const std::vector<size_t>& part_of(const Split& split, std::string_view name);

// The examples with these indices, in their order.
std::vector<Example> examples_at(const std::vector<Example>& examples,
                                 const std::vector<size_t>& indices);

// Test rows whose group also has a row in train: 0 for method group.
size_t leaked_test_rows(const Split& split, const std::vector<Example>& examples);

// SHA-256 of the three lists of indices.
std::string split_digest(const Split& split);

}  // namespace telora
