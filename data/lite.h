#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <vector>

#include "data/category.h"
#include "data/example.h"

namespace telora {

// The rows, ascending, that the published small file of a category holds too ("lite", the tier of
// the public leaderboard): an adapter trained on one of them has no clean score there. With exactly
// as many rows as Category::lite names, they follow from the way that file was drawn; otherwise
// they are looked up in the category's file in `folder`, which has the layout of the full set.
// Questions are compared without regard to blanks; where several rows ask the same, those with the
// same options count, or all where there is none. Throws Error(missing) where neither way is open,
// Error(data) for a row of the small file that is not among the examples.
std::vector<size_t> published_lite_rows(const Category& category,
                                        const std::vector<Example>& examples,
                                        const std::optional<std::filesystem::path>& folder);

}  // namespace telora
