#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "data/example.h"

namespace telora {

// Where each option goes when the options of a letter question are moved on cyclically by `shift`
// places: element i is the index, in the row as it is, of the option that then stands at place i.
// So a letter read from a rotated question is that of places[letter] in the row. Options that speak
// of the others ("all of the above", "none of these") keep their place and the others move around
// them. Where an option names others by number or letter ("both option 1 and option 3", "A and B"),
// the order stays: moved, it would say something else. Any shift; one that is a multiple of the
// number of moving options changes nothing.
std::vector<size_t> rotated_places(const std::vector<std::string>& options, size_t shift);

// How many different orders rotated_places() has: the number of options that move, 1 where none
// may.
size_t rotation_count(const std::vector<std::string>& options);

// The row with its options in that order and the answer following its option. Leading numbers (1.,
// 2., …), where every option has its own, are those of the new places.
Example rotate_options(const Example& example, size_t shift);

// The options without their numbers, where each begins with its own (1., 2., …); otherwise as they
// are.
std::vector<std::string> strip_option_numbers(const std::vector<std::string>& options);
// The same for a whole row.
Example strip_option_numbers(Example example);

// What an option, one of `count` and without its number, says of the others in its own words.
enum class OptionReference {
  kNone,
  kOthers,  // of all or some of them, not told apart: "all of the above", "neither of these"
  kNamed,   // of some by number or letter: "A and C", "both options 1 and 2"
};
OptionReference option_reference(const std::string& option, size_t count);

}  // namespace telora
