#pragma once

namespace telora {

// lora-export. Returns its exit code; throws Error.
int export_command(int argc, char** argv);

}  // namespace telora
