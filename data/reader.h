#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "data/category.h"
#include "data/example.h"

namespace telora {

// Reads JSON Lines in the layout of the Open Telco benchmark set (ot-full), one object a line:
// `question`, `choices` (2-10 texts) and `answer` (index) for letters, `question` and `answer` (one
// of the classes) for classes, `question` and `answer` (a finite number) for numbers, and any of
// Category::fields. Blank lines are skipped. `group` stays
// empty. Throws the Error of the first wrong row (data: file, line, field), Error(missing) if there
// is no row.
std::vector<Example> read_examples(const std::filesystem::path& path, const Category& category);

// The same from lines in memory; `name` stands for the file in messages.
std::vector<Example> read_examples(const std::vector<std::string>& lines, const std::string& name,
                                   const Category& category);

}  // namespace telora
