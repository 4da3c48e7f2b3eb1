#pragma once

namespace telora {

// From here on the first SIGINT or SIGTERM only sets a flag, so that work can stop at a safe place;
// the second ends the process at once with 130 or 143 (128 + signal).
void catch_interrupts();

// The signal that was caught, 0 while there is none. Safe from any thread.
int caught_signal();

}  // namespace telora
