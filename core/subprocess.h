#pragma once

#include <string>
#include <vector>

namespace telora {

struct FinishedProgram {
  int exit_code = -1;  // 128 + signal if killed
  std::string out, err;
};

// Runs a program of PATH (or a path with a slash) to its end, standard input empty. Throws
// Error(missing) where there is none of this name, Error(io) where it cannot be started.
FinishedProgram run_to_end(const std::vector<std::string>& arguments);

}  // namespace telora
