#pragma once

namespace telora {

// lora-inspect. Returns the exit code; throws Error.
int inspect_command(int argc, char** argv);

}  // namespace telora
