#pragma once

namespace telora {

// lora-adapters. Returns its exit code; throws Error.
int adapters_command(int argc, char** argv);

}  // namespace telora
