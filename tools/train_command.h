#pragma once

namespace telora {

// lora-train: flags -> recipe -> run_training -> what a person sees. Returns the exit code; throws
// Error.
int train_command(int argc, char** argv);

}  // namespace telora
