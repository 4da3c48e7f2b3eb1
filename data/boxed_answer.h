#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace telora {

// What stands in the last \boxed{…} of a completion, where at most one level of braces may be
// nested: blanks at the ends, line feeds with the blanks behind them, leading colons and trailing
// full stops and slashes removed. Empty if there is none. Source: GSMA evals, telelogs and
// telemath. `completion` must be valid UTF-8.
std::string last_boxed(std::string_view completion);

// The first run of decimal digits as ASCII digits without leading zeros: "03" and "3" are equal.
std::optional<std::string> first_integer(std::string_view text);

}  // namespace telora
