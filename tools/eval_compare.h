#pragma once

#include "tools/subcommand.h"

namespace telora {

// `lora-eval compare`: says which of two sets of predictions of the same questions is better, or
// that they cannot be told apart.
Subcommand add_eval_compare(CLI::App& app);

}  // namespace telora
