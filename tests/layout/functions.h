#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace telora::layout {

struct Function {
  std::string heading;  // the text before its body, on one line
  int line = 0;         // 1-based, where the heading starts
  int length = 0;       // lines from the heading to the closing brace
};

// The functions defined in a C++ text, lambdas counted as part of the function around them. Relies
// on the layout that clang-format gives: a body's brace follows a space, a member initialiser's
// does not.
std::vector<Function> functions(std::string_view text);

}  // namespace telora::layout
