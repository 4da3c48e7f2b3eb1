#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/task_kind.h"

namespace telora {

// How an answer is read out of a completion. Scores of different parsers must not share a column,
// so every report names the one it used. For letters:
//   inspect-legacy    the first "ANSWER: X", capital letters only
//   inspect-current   the last one, any case, trailing commas allowed
//   lenient           the first letter after the last "ANSWER:", or a completion of one letter
//   sixg-json         a JSON object's answer, else the first "answer": "X", else the first capital
//                     A to D that stands alone
// for classes:
//   working-group-official  the leftmost run of letters and digits, its faults included: a class
//                           with an underscore can never be found
//   working-group-exact     the value of the JSON answer, otherwise the only class that is named
//   boxed-cause             the class with the first integer of the last \boxed{…}
//   boxed-cause-hard        the class that is all the last \boxed{…} holds, in any case
// for numbers, all of them of the last \boxed{…}:
//   boxed-number            within 1 % or 0.01 of the gold value, whichever is more
//   boxed-number-rel1       within 1 %
struct AnswerParser {
  std::string_view name;
  int version = 1;  // counts changes of what is read; reports of two versions do not compare
  TaskKind kind = TaskKind::kLetters;  // what it reads
  std::string_view follows;            // whose rule it is
};

const std::vector<std::string>& answer_parser_names();

// Throws Error(usage) for an unknown name, with the nearest.
const AnswerParser& find_answer_parser(std::string_view name);

// "inspect-legacy v1 (Inspect AI before 0.3.221)", for reports. Throws as find_answer_parser().
std::string describe_answer_parser(std::string_view parser);

// The chosen index into `options`, or nothing when the completion holds no answer that was offered.
// Letter parsers use only the number of options. Completions may be any bytes.
// Throws Error(usage) for an unknown parser and for one that reads numbers.
std::optional<size_t> parse_answer(std::string_view parser, std::string_view completion,
                                   const std::vector<std::string>& options);

struct ReadAnswer {
  std::string
      parsed;  // a letter, the name of a class, or what the box holds; empty = not understood
  bool correct = false;
};

// The same for every kind of answer, with the gold answer as a letter, the name of a class or a
// number. A boxed text that is no number is right where it equals the gold text. Throws
// Error(usage) for an unknown parser.
ReadAnswer read_answer(std::string_view parser, std::string_view completion, std::string_view gold,
                       const std::vector<std::string>& options);

}  // namespace telora
