#pragma once

#include <string>
#include <string_view>

#include "core/error.h"

namespace telora {

// Regular expressions over module names. Matching runs PCRE2's breadth-first engine under fixed
// limits, so its cost is bounded whatever the pattern; back-references and other constructs that
// need backtracking are refused. `where` names the pattern in errors, which are Error(data).

// Whether `pattern` is only letters, digits and _-. so that no regular expression is needed ('.'
// still stands for any character, as it does in one).
bool is_plain_pattern(std::string_view pattern);

// Throws Error(kind) if `pattern` is not a regular expression this program accepts (at most 1,000
// bytes).
void check_pattern(const std::string& pattern, const Where& where,
                   ErrorKind kind = ErrorKind::kData);

// The whole of `name` matches.
bool matches_whole(const std::string& pattern, std::string_view name, const Where& where);

// The whole of `name`, or what follows one of its dots, matches: PEFT's reading of rank_pattern's
// keys.
bool matches_tail(const std::string& pattern, std::string_view name, const Where& where);

}  // namespace telora
