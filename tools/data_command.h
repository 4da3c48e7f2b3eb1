#pragma once

namespace telora {

// lora-data. Returns the exit code; throws Error.
int data_command(int argc, char** argv);

}  // namespace telora
