#pragma once

#include <string>
#include <vector>

#include "train/run.h"

namespace telora {

// What a person reads when training has ended, on stdout, with the next commands; failures go to
// stderr. `program` is argv[0]. Returns the exit code: 128 + signal after an interruption, 1 if a
// run of several failed.
int summarise(const RunRequest& request, const RunResult& result, const std::string& program);
int summarise(const std::vector<RunRequest>& requests, const std::vector<RunResult>& results,
              const std::string& program);

// The runs beside each other; those that did not finish say so.
std::string comparison_table(const std::vector<RunRequest>& requests,
                             const std::vector<RunResult>& results);

}  // namespace telora
