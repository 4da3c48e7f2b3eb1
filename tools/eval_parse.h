#pragma once

#include "tools/subcommand.h"

namespace telora {

// `lora-eval parse`: what an answer parser reads in the completions of a file.
Subcommand add_eval_parse(CLI::App& app);

}  // namespace telora
