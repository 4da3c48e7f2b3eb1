#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <vector>

#include "data/category.h"
#include "data/example.h"

namespace telora {

// Whether these are the rows from which the published small file is known to be drawn, as far as
// their number tells (Category::lite).
bool knows_lite_draw(const Category& category, const std::vector<Example>& examples);

// For each row of the published small file of a category ("lite", the tier of the public
// leaderboard) the rows that are it, ascending: an adapter trained on one of them has no clean
// score there. Where the draw is known it is made again; otherwise the rows are looked up in the
// category's file in `folder`, which has the layout of the full set. Question and options are
// compared without regard to blanks; where no row has the same options, those that ask the same
// count. Throws Error(missing) where neither way is open, Error(data) for a row of the small file
// that is not among the examples.
std::vector<std::vector<size_t>> published_lite_rows(
    const Category& category, const std::vector<Example>& examples,
    const std::optional<std::filesystem::path>& folder);

// All rows that are named, ascending: what to hold out of training.
std::vector<size_t> all_rows(const std::vector<std::vector<size_t>>& lists);

// How a user asks for it.
struct LiteChoice {
  bool hold_out = false;
  std::string folder = {};  // with the small files; empty: none
};

// Rows that make_split() is to keep out of training; none if that is not wanted. Throws as
// published_lite_rows().
std::vector<size_t> rows_held_out(const LiteChoice& choice, const Category& category,
                                  const std::vector<Example>& examples);

}  // namespace telora
