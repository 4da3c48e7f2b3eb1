#pragma once

namespace telora {

// lora-ablate.
int ablate_command(int argc, char** argv);

}  // namespace telora
