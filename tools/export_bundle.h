#pragma once

#include "tools/subcommand.h"

namespace telora {

// lora-export bundle: one folder for a device.
Subcommand add_export_bundle(CLI::App& app);

// lora-export check: whether a bundle and the base on this machine are what was meant.
Subcommand add_export_check(CLI::App& app);

}  // namespace telora
