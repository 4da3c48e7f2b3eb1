#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace telora {

// A compiled Unicode regular expression (PCRE2, `.` and `$` know only \n as a line end). Patterns
// are the program's own: a wrong one throws Error(internal). Thread-safe.
class Regex {
 public:
  struct Options {
    bool ignore_case = false;
    bool multiline = false;  // ^ and $ match at every line
  };
  explicit Regex(std::string_view pattern) : Regex(pattern, Options()) {}
  Regex(std::string_view pattern, Options options);

  // Whether it matches anywhere, the empty match included. Where the bound below is hit: no.
  bool matches(std::string_view text) const;

  // Group 1 of every match that is not empty, left to right. Backtracking is bounded: where the
  // bound is hit the search ends.
  std::vector<std::string> captures(std::string_view text) const;

  // Every match replaced, in PCRE2's extended replacement syntax.
  std::string replace(std::string_view text, std::string_view replacement) const;

 private:
  std::shared_ptr<void> code_;
};

}  // namespace telora
