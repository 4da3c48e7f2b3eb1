#pragma once

#include "tools/subcommand.h"

namespace telora {

// lora-adapters pack: an adapter of lower rank.
Subcommand add_adapters_pack(CLI::App& app);

}  // namespace telora
