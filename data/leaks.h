#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "data/example.h"
#include "data/split.h"

namespace telora {

// What two rows have in common when knowing the answer to one is knowing that to the other: the
// normalised question, the text of the gold answer and the set of options, where there are options
// (their order and their numbers do not count). A digest; equal for equal items only.
std::string item_key(const Example& example);

// A training row and the first test row that is the same item; indices into the examples.
struct ExactDuplicate {
  size_t train = 0;
  size_t test = 0;
};

// All training rows that are the same item as a test row, in the order of split.train.
std::vector<ExactDuplicate> exact_test_duplicates(const Split& split,
                                                  const std::vector<Example>& examples);

}  // namespace telora
