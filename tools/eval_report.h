#pragma once

#include "tools/subcommand.h"

namespace telora {

// `lora-eval report`: report.json and report.html from the predictions of runs or evaluations.
Subcommand add_eval_report(CLI::App& app);

}  // namespace telora
