#pragma once

#include "tools/subcommand.h"

namespace telora {

// `lora-eval run`: scores the base and adapters on one part of a category.
Subcommand add_eval_run(CLI::App& app);

}  // namespace telora
