#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace telora {

// How an answer is read out of a completion. Scores of different parsers must not share a column,
// so every report names the one it used.
//   inspect-legacy          Inspect AI before 0.3.221: the first "ANSWER: X", capital letters only
//   inspect-current         Inspect AI from 0.3.260: the last one, any case, trailing commas
//   dropped lenient                 first letter after the last "ANSWER:", or a completion of one
//   letter working-group-official  GSMA evals: the leftmost letters-then-digits run, its faults
//   included:
//                           a class with an underscore can never be found
//   working-group-exact     the value of the JSON answer, otherwise the only class that is named
const std::vector<std::string>& answer_parser_names();

// "inspect-legacy (Inspect AI before 0.3.221)", for reports. Throws Error(usage) for an unknown
// name.
std::string describe_answer_parser(std::string_view parser);

// The chosen index into `options`, or nothing when the completion holds no answer that was offered.
// Letter parsers use only the number of options. Completions may be any bytes.
// Throws Error(usage) for an unknown parser, naming the nearest.
std::optional<size_t> parse_answer(std::string_view parser, std::string_view completion,
                                   const std::vector<std::string>& options);

}  // namespace telora
