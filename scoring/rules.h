#pragma once

#include <vector>

#include "data/category.h"
#include "data/example.h"
#include "scoring/baselines.h"

namespace telora {

// Rules read off the texts of a question, each written by hand for the categories where it works.
// They know nothing of the right answers.

// "All of the above" where it is offered, never "none of", otherwise the longest option.
Baseline all_of_the_above_rule(const std::vector<Example>& rows);

// The longest of the options without words of certainty and reasons (assum…, since, because, full,
// all, maximi…); the longest of all where every option has some.
Baseline cautious_rule(const std::vector<Example>& rows);

// The option with the most words in common with the question, the first of equals.
Baseline question_words_rule(const std::vector<Example>& rows);

// The rule written for this category; none for most.
std::vector<Baseline> text_rules(const Category& category, const std::vector<Example>& rows);

}  // namespace telora
