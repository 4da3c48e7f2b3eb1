#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "data/category.h"
#include "data/example.h"

namespace telora {

// What a model is shown and what it should say: one user message, no examples.
struct Prompt {
  std::string system;  // empty: no system message
  std::string user;
  std::string target;                   // the right completion
  std::vector<std::string> candidates;  // the completion of every option, in option order; none
                                        // where the answer is a number
};

// The official prompt of the category (Inspect AI's single-answer multiple choice; 3gpp-tsg rows
// carry theirs). Substituted text is never expanded again, so braces in a question survive.
Prompt make_prompt(const Category& category, const Example& example);

// "A" for 0. At most 26.
std::string option_letter(size_t index);

// What stands for an option in results: its letter, or the name of the class.
std::string option_name(const Category& category, const Example& example, size_t option);

// The right answer as a letter, the name of a class or a number.
std::string gold_text(const Category& category, const Example& example);

}  // namespace telora
