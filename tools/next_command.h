#pragma once

#include <filesystem>
#include <string>

#include "train/recipe.h"

namespace telora {

// One word of a POSIX shell's command line: quoted if it holds anything but plain characters.
std::string shell_word(const std::string& word);

// Program `name` as the user would call it who called this one `invoked_as` (argv[0]):
// "build/bin/lora-eval" beside "build/bin/lora-train", or the bare name.
std::string sibling_program(const std::string& invoked_as, const std::string& name);

// Arguments of `lora-eval run` for the rows, parts and weights of a finished run.
std::string scoring_arguments(const Recipe& recipe, const std::filesystem::path& folder);

}  // namespace telora
