#pragma once

namespace telora {

// lora-eval. Returns the exit code; throws Error.
int eval_command(int argc, char** argv);

}  // namespace telora
