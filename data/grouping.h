#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "data/category.h"
#include "data/example.h"

namespace telora {

// What of a question counts when it is compared with others, normalised (data/near_duplicates.h):
// all of it, what follows Category::similar_after, or with similar_tables the cells of all lines
// that begin with a digit and hold a |, in lower case.
std::string compared_text(const Example& example, const Category& category);

// Whether the rows' classes go through all classes in order, again and again, to the last row.
bool is_class_cycle(const std::vector<Example>& examples, const Category& category);

// Sets Example::group: rows with one group know something of each other's answer and must stay in
// one part of a split. By Category::grouping:
//   similar            clusters of near-duplicate questions (data/near_duplicates.h)
//   similar-or-source  these clusters, joined where rows have equal sources
//   source             equal sources
//   episode            rows of one scenario. With exactly the rows of the published file, whose
//                      task ids ascend within each of Category::episode_lengths, its episodes;
//                      otherwise maximal runs of ascending task ids.
//   class-cycle        blocks of as many rows as there are classes, where the answers go through
//   all
//                      classes in order to the end of the file; otherwise as similar
// The name of a group of the first four depends on what its rows say, not on the order of the
// file. Throws Error(data) for a task id without a number.
void group_examples(std::vector<Example>& examples, const Category& category);

// N² / Σ n²: as many independent rows would tell as much as N rows in groups of these sizes, were
// the rows of a group all alike (Kish, Survey Sampling, 1965). 0 without rows.
double effective_sample_size(std::span<const size_t> group_sizes);

}  // namespace telora
