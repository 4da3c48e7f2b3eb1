#pragma once

#include <vector>

#include "data/category.h"
#include "data/example.h"

namespace telora {

// Sets Example::group: rows with one group know something of each other's answer and must stay in
// one part of a split. By Category::grouping:
//   similar            clusters of near-duplicate questions (data/near_duplicates.h)
//   similar-or-source  these clusters, joined where rows have equal sources
//   source             equal sources
//   episode            rows of one scenario. With exactly the rows of the published file, whose
//   task
//                      ids ascend within each of Category::episode_lengths, its episodes; otherwise
//                      maximal runs of ascending task ids.
// The name of a group of the first three depends on what its rows say, not on the order of the
// file. Throws Error(data) for a task id without a number.
void group_examples(std::vector<Example>& examples, const Category& category);

}  // namespace telora
