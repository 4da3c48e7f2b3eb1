#pragma once

#include "tools/subcommand.h"

namespace telora {

// `lora-eval probes`: what answers without a model score, for one category or all.
Subcommand add_eval_probes(CLI::App& app);

}  // namespace telora
