#pragma once

#include "tools/subcommand.h"

namespace telora {

// `lora-data lint`: doubled and broken rows, and what of them a split leaks.
Subcommand add_data_lint(CLI::App& app);

}  // namespace telora
