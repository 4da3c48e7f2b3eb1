#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/fuzz/mutation.h"

namespace telora::fuzz {

// Changes a JSON text mostly by whole values, so that it stays a JSON text mostly: values and
// members are removed, repeated, swapped, wrapped, or become a word of `words`; numbers become odd
// ones; the bytes of a string change.
std::string mutate_json(std::string_view text, size_t limit, const std::vector<std::string>& words,
                        Choices& choices);

}  // namespace telora::fuzz
