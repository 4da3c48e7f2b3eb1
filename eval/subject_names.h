#pragma once

#include <string>
#include <vector>

namespace telora {

// What each adapter is called in reports, by its folder's path: the folder's name, with as many of
// the folders above it as it takes to tell all of them apart and from the base ("a/oran",
// "b/oran"). Throws Error(usage) for a folder that is named twice.
std::vector<std::string> subject_names(const std::vector<std::string>& adapters);

// The same as a part of a file's name.
std::string file_name_of(const std::string& subject);

}  // namespace telora
